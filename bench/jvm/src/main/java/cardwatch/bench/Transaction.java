package cardwatch.bench;

/** One card authorisation, checked: what judging and telling need of schemas/transaction.avsc. */
record Transaction(
    String transactionId,
    String cardId,
    String cardLastFour,
    String userId,
    long eventTimeMs,
    long amountMinor,
    String currency,
    String merchantId,
    String merchantName,
    String country,
    /* Null when unknown. */
    Place place,
    boolean cardPresent,
    boolean approved) {}
