package cardwatch.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.UUID;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;

/** Writes records of schemas/notification.avsc in Glue framing. Not for use by several threads. */
final class NotificationWriter {
  private static final UUID NOTIFICATION_IDS = UUID.fromString("6c1f2f0e-5b0a-5d0e-9b43-0c0d9d6f7a11");

  private final byte[] header;
  private final String version;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream(1_024);
  private BinaryEncoder encoder;

  /** Names {@code version} as the analyzer's. */
  NotificationWriter(UUID schema, String version) {
    this.version = version;
    header = ByteBuffer.allocate(18).put((byte) 3).put((byte) 0).put(bytes(schema)).array();
  }

  byte[] write(Transaction transaction, Verdict verdict, long detectedMs) {
    out.reset();
    out.writeBytes(header);
    encoder = EncoderFactory.get().directBinaryEncoder(out, encoder);
    try {
      body(transaction, verdict, detectedMs);
      encoder.flush();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return out.toByteArray();
  }

  /** The fields in the order of notification.avsc. */
  private void body(Transaction transaction, Verdict verdict, long detectedMs) throws IOException {
    encoder.writeString("transactionAnalyzer");
    encoder.writeString("suspiciousActivity");
    encoder.writeString(transaction.userId());
    encoder.writeDouble(Words.major(transaction.amountMinor(), transaction.currency()));
    encoder.writeString(notificationId(transaction.transactionId()));
    encoder.writeString(transaction.transactionId());
    encoder.writeString(transaction.cardId());
    encoder.writeString(transaction.cardLastFour());
    encoder.writeLong(transaction.amountMinor());
    encoder.writeString(transaction.currency());
    encoder.writeString(transaction.merchantName());
    encoder.writeString(transaction.country());
    encoder.writeLong(transaction.eventTimeMs());
    encoder.writeLong(detectedMs);
    encoder.writeDouble(verdict.score());
    encoder.writeArrayStart();
    encoder.setItemCount(verdict.findings().size());
    for (Finding one : verdict.findings()) {
      encoder.startItem();
      encoder.writeString(one.rule());
      encoder.writeString(one.reason());
      encoder.writeString(one.evidence().get());
      encoder.writeDouble(one.observed());
      encoder.writeDouble(one.threshold());
      encoder.writeDouble(one.score());
    }
    encoder.writeArrayEnd();
    encoder.writeString(version);
  }

  /** The UUID of version 5 (RFC 9562) of a transaction id: the same in every replay. */
  static String notificationId(String transactionId) {
    MessageDigest sha1;
    try {
      sha1 = MessageDigest.getInstance("SHA-1");
    } catch (NoSuchAlgorithmException error) {
      throw new AssertionError("every Java has it", error);
    }
    sha1.update(bytes(NOTIFICATION_IDS));
    ByteBuffer digest = ByteBuffer.wrap(sha1.digest(transactionId.getBytes(StandardCharsets.UTF_8)));
    long high = digest.getLong() & ~0xF000L | 0x5000L;
    long low = digest.getLong() & 0x3FFFFFFFFFFFFFFFL | 0x8000000000000000L;
    return new UUID(high, low).toString();
  }

  private static byte[] bytes(UUID id) {
    return ByteBuffer.allocate(16).putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits()).array();
  }
}
