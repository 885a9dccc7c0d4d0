package cardwatch.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.UUID;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

/**
 * Card states as bytes: some 50 a recent transaction. Shared by all tasks, so it keeps nothing.
 *
 * <p>Version, varints of offset + 1, counters and habit, then each recent transaction: id, event time as distance from
 * the one before, amount, merchant, country, flags, place.
 */
final class CardStateSerde {
  private static final byte VERSION = 1;
  private static final int MOST_OF_STATE = 96;
  private static final int MOST_OF_RECENT = 16 + 10 + 10 + 5 + 2 + 1 + 16;
  private static final int CARD_PRESENT = 1;
  private static final int HAS_PLACE = 2;

  private CardStateSerde() {}

  static Serde<CardState> make() {
    Serializer<CardState> serializer = (topic, state) -> state == null ? null : write(state);
    Deserializer<CardState> deserializer = (topic, bytes) -> bytes == null ? null : read(bytes);
    return Serdes.serdeFrom(serializer, deserializer);
  }

  static byte[] write(CardState state) {
    int most = MOST_OF_STATE;
    for (Recent one : state.recent) {
      most += MOST_OF_RECENT + 3 * one.merchantId().length();
    }
    ByteBuffer out = ByteBuffer.allocate(most);
    out.put(VERSION);
    Varint.put(state.appliedOffset + 1, out);
    Varint.put(state.judged, out);
    Varint.put(state.flagged, out);
    Varint.put(state.late, out);
    Varint.put(state.duplicate, out);
    Varint.put(state.habit.count(), out);
    out.putDouble(state.habit.mean()).putDouble(state.habit.m2());
    Varint.put(state.recent.size(), out);
    long beforeMs = 0;
    for (Recent one : state.recent) {
      write(one, beforeMs, out);
      beforeMs = one.eventTimeMs();
    }
    return Arrays.copyOf(out.array(), out.position());
  }

  private static void write(Recent one, long beforeMs, ByteBuffer out) {
    out.putLong(one.id().getMostSignificantBits()).putLong(one.id().getLeastSignificantBits());
    Varint.put(one.eventTimeMs() - beforeMs, out);
    Varint.put(one.amountMinor(), out);
    byte[] merchant = one.merchantId().getBytes(StandardCharsets.UTF_8);
    Varint.put(merchant.length, out);
    out.put(merchant);
    out.put((byte) one.country().charAt(0)).put((byte) one.country().charAt(1));
    Place place = one.place();
    out.put((byte) ((one.cardPresent() ? CARD_PRESENT : 0) | (place != null ? HAS_PLACE : 0)));
    if (place != null) {
      out.putDouble(place.latitude()).putDouble(place.longitude());
    }
  }

  static CardState read(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (in.get() != VERSION) {
      throw new SerializationException("a card state is of version " + bytes[0] + ", not " + VERSION);
    }
    long appliedOffset = Varint.get(in) - 1;
    long judged = Varint.get(in);
    long flagged = Varint.get(in);
    long late = Varint.get(in);
    long duplicate = Varint.get(in);
    Habit habit = new Habit(Varint.get(in), in.getDouble(), in.getDouble());
    int recents = (int) Varint.get(in);
    CardState state = new CardState(recents);
    state.appliedOffset = appliedOffset;
    state.judged = judged;
    state.flagged = flagged;
    state.late = late;
    state.duplicate = duplicate;
    state.habit = habit;
    long beforeMs = 0;
    for (int at = 0; at < recents; at++) {
      Recent one = recent(beforeMs, in);
      state.recent.add(one);
      beforeMs = one.eventTimeMs();
    }
    return state;
  }

  private static Recent recent(long beforeMs, ByteBuffer in) {
    UUID id = new UUID(in.getLong(), in.getLong());
    long eventTimeMs = beforeMs + Varint.get(in);
    long amountMinor = Varint.get(in);
    String merchantId = text((int) Varint.get(in), in);
    String country = text(2, in);
    int flags = in.get();
    Place place = (flags & HAS_PLACE) != 0 ? new Place(in.getDouble(), in.getDouble()) : null;
    return new Recent(id, eventTimeMs, amountMinor, merchantId, country, place, (flags & CARD_PRESENT) != 0);
  }

  private static String text(int length, ByteBuffer in) {
    String text = new String(in.array(), in.position(), length, StandardCharsets.UTF_8);
    in.position(in.position() + length);
    return text;
  }
}
