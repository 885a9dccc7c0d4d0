package cardwatch.bench;

/** A record that can't be a transaction; the message says why. */
final class BadRecordException extends Exception {
  private static final long serialVersionUID = 1L;

  BadRecordException(String reason) {
    super(reason);
  }
}
