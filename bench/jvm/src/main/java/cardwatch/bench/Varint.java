package cardwatch.bench;

import java.nio.ByteBuffer;

/** Whole numbers from 0 in as few bytes as they need, seven bits a byte, the lowest first. */
final class Varint {
  private Varint() {}

  static void put(long value, ByteBuffer out) {
    long left = value;
    while ((left & ~0x7FL) != 0) {
      out.put((byte) (left | 0x80));
      left >>>= 7;
    }
    out.put((byte) left);
  }

  static long get(ByteBuffer in) {
    long value = 0;
    int shift = 0;
    byte next;
    do {
      next = in.get();
      value |= (next & 0x7FL) << shift;
      shift += 7;
    } while (next < 0);
    return value;
  }
}
