package cardwatch.bench;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Card states as Flink keeps them: objects on the heap, in checkpoints the same bytes as in Kafka Streams. */
public final class CardStateSerializer extends TypeSerializerSingleton<CardState> {
  private static final long serialVersionUID = 1L;

  /** Says in a checkpoint how its states are read. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<CardState> {
    /** Flink makes it by its name. */
    public Snapshot() {
      super(CardStateSerializer::new);
    }
  }

  @Override
  public boolean isImmutableType() {
    return false;
  }

  @Override
  public CardState createInstance() {
    return new CardState();
  }

  @Override
  public CardState copy(CardState from) {
    return from.copy();
  }

  @Override
  public CardState copy(CardState from, CardState reuse) {
    return from.copy();
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public void serialize(CardState state, DataOutputView out) throws IOException {
    byte[] bytes = CardStateSerde.write(state);
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  @Override
  public CardState deserialize(DataInputView in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return CardStateSerde.read(bytes);
  }

  @Override
  public CardState deserialize(CardState reuse, DataInputView in) throws IOException {
    return deserialize(in);
  }

  @Override
  public void copy(DataInputView in, DataOutputView out) throws IOException {
    int length = in.readInt();
    out.writeInt(length);
    out.write(in, length);
  }

  @Override
  public TypeSerializerSnapshot<CardState> snapshotConfiguration() {
    return new Snapshot();
  }
}
