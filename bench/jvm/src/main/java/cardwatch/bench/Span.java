package cardwatch.bench;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Figures of one sliding window.
 *
 * @param transactions in event time, never empty; the last is the one that is judged
 * @param sdMinor sample standard deviation of the amounts; 0 for one transaction
 * @param purchases how many, a declined one that is tried again counted once: same merchant, same amount
 */
record Span(
    List<Recent> transactions, long sumMinor, double meanMinor, double sdMinor, int merchants, int purchases) {
  /** Up to here comparing each with each is faster than a set. */
  private static final int FEW = 8;

  private record Purchase(String merchantId, long amountMinor) {}

  static Span of(List<Recent> transactions) {
    int count = transactions.size();
    long sum = 0;
    for (Recent one : transactions) {
      sum += one.amountMinor();
    }
    double mean = (double) sum / count;
    double squares = 0;
    for (Recent one : transactions) {
      squares += (one.amountMinor() - mean) * (one.amountMinor() - mean);
    }
    double sd = count == 1 ? 0.0 : Math.sqrt(squares / (count - 1));
    if (count > FEW) {
      return new Span(transactions, sum, mean, sd, merchantsOf(transactions), purchasesOf(transactions));
    }
    int merchants = 0;
    int purchases = 0;
    for (int at = 0; at < count; at++) {
      Recent one = transactions.get(at);
      boolean newMerchant = true;
      boolean newPurchase = true;
      for (int before = 0; before < at; before++) {
        if (one.merchantId().equals(transactions.get(before).merchantId())) {
          newMerchant = false;
          newPurchase &= one.amountMinor() != transactions.get(before).amountMinor();
        }
      }
      merchants += newMerchant ? 1 : 0;
      purchases += newPurchase ? 1 : 0;
    }
    return new Span(transactions, sum, mean, sd, merchants, purchases);
  }

  private static int merchantsOf(List<Recent> transactions) {
    Set<String> found = new HashSet<>();
    transactions.forEach(one -> found.add(one.merchantId()));
    return found.size();
  }

  private static int purchasesOf(List<Recent> transactions) {
    Set<Purchase> found = new HashSet<>();
    transactions.forEach(one -> found.add(new Purchase(one.merchantId(), one.amountMinor())));
    return found.size();
  }

  int count() {
    return transactions.size();
  }

  /** From the first to the last. */
  double seconds() {
    return (transactions.get(count() - 1).eventTimeMs() - transactions.get(0).eventTimeMs()) / 1_000.0;
  }
}
