package cardwatch.bench;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Set;

/** Figures as people write them; the same as analyzer/core writes. */
final class Words {
  private static final Set<String> NO_DIGITS =
      Set.of(
          "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF");
  private static final Set<String> THREE_DIGITS = Set.of("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND");

  private Words() {}

  static String rounded(double value, int digits) {
    return new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
  }

  /** A threshold without zeros after the point. */
  static String plain(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  static String money(double amountMinor, String currency) {
    return rounded(major(amountMinor, currency), digits(currency)) + " " + currency;
  }

  /** The amount in major units: 1250 EUR is 12.5. */
  static double major(double amountMinor, String currency) {
    return amountMinor / Math.pow(10, digits(currency));
  }

  private static int digits(String currency) {
    return NO_DIGITS.contains(currency) ? 0 : THREE_DIGITS.contains(currency) ? 3 : 2;
  }
}
