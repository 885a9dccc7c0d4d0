package cardwatch.bench;

/** A point on Earth in degrees, north and east positive. */
record Place(double latitude, double longitude) {
  private static final double EARTH_RADIUS_KM = 6371.0088;

  /** A little more than it is. */
  private static final double KM_PER_DEGREE = 111.2;

  /** Great-circle distance in km (haversine formula, mean Earth radius). */
  double kmTo(Place other) {
    double north = Math.toRadians(latitude);
    double otherNorth = Math.toRadians(other.latitude);
    double halfNorth = squared(Math.sin((otherNorth - north) / 2));
    double halfEast = squared(Math.sin(Math.toRadians(other.longitude - longitude) / 2));
    double chord = halfNorth + Math.cos(north) * Math.cos(otherNorth) * halfEast;
    return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(Math.min(1.0, chord)));
  }

  /** Whether the distance can be above so many km; far cheaper than the distance, and never wrongly false. */
  boolean mayBeBeyond(double km, Place other) {
    double degrees = Math.abs(latitude - other.latitude) + Math.abs(longitude - other.longitude);
    return degrees * KM_PER_DEGREE > km;
  }

  private static double squared(double value) {
    return value * value;
  }
}
