package cardwatch.bench;

import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * What a card's state keeps of a transaction that was judged.
 *
 * @param id of the transaction, 128 bits: see {@link #idOf}
 * @param place null when unknown
 */
record Recent(
    UUID id, long eventTimeMs, long amountMinor, String merchantId, String country, Place place, boolean cardPresent) {

  static Recent of(Transaction transaction) {
    return new Recent(
        idOf(transaction.transactionId()),
        transaction.eventTimeMs(),
        transaction.amountMinor(),
        transaction.merchantId(),
        transaction.country(),
        transaction.place(),
        transaction.cardPresent());
  }

  /** A transaction id is a UUID, which takes less than half of its text; any other text is told by its digest. */
  private static UUID idOf(String transactionId) {
    if (transactionId.length() == 36) {
      try {
        UUID id = UUID.fromString(transactionId);
        if (id.toString().equals(transactionId)) {
          return id;
        }
      } catch (IllegalArgumentException notOne) {
        // As below.
      }
    }
    return UUID.nameUUIDFromBytes(transactionId.getBytes(StandardCharsets.UTF_8));
  }
}
