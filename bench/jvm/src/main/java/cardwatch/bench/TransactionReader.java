package cardwatch.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.UUID;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;

/**
 * Reads transactions in Glue framing, field by field with Avro's own decoder, without a generic record between.
 *
 * <p>The checks are those of analyzer/wire.py. Not for use by several threads.
 */
final class TransactionReader {
  private static final int HEADER = 18;
  private static final byte GLUE_VERSION = 3;
  private static final byte PLAIN = 0;
  private static final long EARLIEST_MS = 946_684_800_000L;
  private static final long LATEST_MS = 4_102_444_800_000L;
  private static final long LARGEST_AMOUNT_MINOR = 1_000_000_000_000L;
  private static final int LONGEST_TEXT = 200;
  private static final int CARD_PRESENT = 0;
  private static final int CHANNELS = 2;

  private final byte[] header;
  private BinaryDecoder decoder;

  /** Reads schemas/transaction.avsc, registered as {@code schema}. */
  TransactionReader(UUID schema) {
    header =
        ByteBuffer.allocate(HEADER)
            .put(GLUE_VERSION)
            .put(PLAIN)
            .putLong(schema.getMostSignificantBits())
            .putLong(schema.getLeastSignificantBits())
            .array();
  }

  Transaction read(byte[] key, byte[] value) throws BadRecordException {
    if (key == null || value == null) {
      throw new BadRecordException(key == null ? "the key is null" : "the value is null");
    }
    if (value.length < HEADER || !Arrays.equals(value, 0, HEADER, header, 0, HEADER)) {
      throw new BadRecordException("it is not in Glue framing, uncompressed, with the schema of transactions");
    }
    decoder = DecoderFactory.get().binaryDecoder(value, HEADER, value.length - HEADER, decoder);
    Transaction read;
    try {
      read = body();
      if (!decoder.isEnd()) {
        throw new BadRecordException("bytes are left over");
      }
    } catch (IOException | AvroRuntimeException | IndexOutOfBoundsException error) {
      throw new BadRecordException("it is not a transaction in Avro: " + error);
    }
    if (!Arrays.equals(key, read.cardId().getBytes(StandardCharsets.UTF_8))) {
      throw new BadRecordException("the key is not the record's cardId");
    }
    return read;
  }

  /** The fields in the order of transaction.avsc. */
  private Transaction body() throws IOException, BadRecordException {
    String transactionId = text("transactionId");
    String cardId = text("cardId");
    String cardLastFour = all("cardLastFour", 4, '0', '9');
    String userId = text("userId");
    long eventTimeMs = within("eventTime", EARLIEST_MS, LATEST_MS - 1);
    long amountMinor = within("amountMinor", 0, LARGEST_AMOUNT_MINOR);
    String currency = all("currency", 3, 'A', 'Z');
    String merchantId = text("merchantId");
    String merchantName = decoder.readString();
    all("merchantCategory", 4, '0', '9');
    optionalText("terminalId");
    int channel = decoder.readEnum();
    if (channel < 0 || channel >= CHANNELS) {
      throw new BadRecordException("channel has no symbol " + channel);
    }
    optionalText("deviceId");
    String country = all("country", 2, 'A', 'Z');
    Place place = place();
    boolean approved = decoder.readBoolean();
    return new Transaction(
        transactionId,
        cardId,
        cardLastFour,
        userId,
        eventTimeMs,
        amountMinor,
        currency,
        merchantId,
        merchantName,
        country,
        place,
        channel == CARD_PRESENT,
        approved);
  }

  private String text(String name) throws IOException, BadRecordException {
    String value = decoder.readString();
    if (value.isEmpty() || value.length() > LONGEST_TEXT && value.codePointCount(0, value.length()) > LONGEST_TEXT) {
      throw new BadRecordException(name + " has not 1 to " + LONGEST_TEXT + " characters");
    }
    return value;
  }

  private void optionalText(String name) throws IOException, BadRecordException {
    if (present(name)) {
      text(name);
    }
  }

  /** Whether the second of the two types of a union, the first being null, follows. */
  private boolean present(String name) throws IOException, BadRecordException {
    int type = decoder.readIndex();
    if (type != 0 && type != 1) {
      throw new BadRecordException(name + " has no type " + type);
    }
    return type == 1;
  }

  private String all(String name, int length, char first, char last) throws IOException, BadRecordException {
    String value = decoder.readString();
    boolean good = value.length() == length;
    for (int at = 0; good && at < length; at++) {
      good = value.charAt(at) >= first && value.charAt(at) <= last;
    }
    if (!good) {
      throw new BadRecordException(name + " is not " + length + " of " + first + " to " + last);
    }
    return value;
  }

  private long within(String name, long least, long most) throws IOException, BadRecordException {
    long value = decoder.readLong();
    if (value < least || value > most) {
      throw new BadRecordException(name + " " + value + " is not from " + least + " to " + most);
    }
    return value;
  }

  private Place place() throws IOException, BadRecordException {
    boolean hasLatitude = present("latitude");
    double latitude = hasLatitude ? decoder.readDouble() : 0;
    boolean hasLongitude = present("longitude");
    double longitude = hasLongitude ? decoder.readDouble() : 0;
    if (hasLatitude != hasLongitude) {
      throw new BadRecordException("one of latitude and longitude is null and the other is not");
    }
    if (!(Math.abs(latitude) <= 90) || !(Math.abs(longitude) <= 180)) {
      throw new BadRecordException("latitude or longitude is not on Earth");
    }
    return hasLatitude ? new Place(latitude, longitude) : null;
  }
}
