package cardwatch.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Judges the transactions of a card, and gives key and value of a notification of each that is flagged. */
final class FlinkJudge
    extends KeyedProcessFunction<String, Tuple3<byte[], byte[], Long>, Tuple2<byte[], byte[]>> {
  static final TypeInformation<Tuple2<byte[], byte[]>> NOTIFICATION =
      Types.TUPLE(Types.PRIMITIVE_ARRAY(Types.BYTE), Types.PRIMITIVE_ARRAY(Types.BYTE));
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(FlinkJudge.class);

  private final Settings settings;
  private transient TransactionReader reader;
  private transient NotificationWriter writer;
  private transient ValueState<CardState> card;

  FlinkJudge(Settings settings) {
    this.settings = settings;
  }

  static String card(Tuple3<byte[], byte[], Long> record) {
    return new String(record.f0, StandardCharsets.UTF_8);
  }

  @Override
  public void open(OpenContext context) {
    reader = new TransactionReader(settings.transactionSchema());
    writer = new NotificationWriter(settings.notificationSchema(), "flink");
    card = getRuntimeContext().getState(new ValueStateDescriptor<>("card", new CardStateSerializer()));
  }

  @Override
  public void processElement(
      Tuple3<byte[], byte[], Long> record, Context context, Collector<Tuple2<byte[], byte[]>> out) throws IOException {
    Transaction transaction;
    try {
      transaction = reader.read(record.f0, record.f1);
    } catch (BadRecordException bad) {
      LOG.warn("skipped offset {} of {}: {}", record.f2, settings.transactions(), bad.getMessage());
      return;
    }
    CardState known = card.value();
    CardState state = known == null ? new CardState() : known;
    // Nothing is replayed into a state that has it: a checkpoint holds the source's offsets too.
    Verdict verdict = settings.judge().judge(state, transaction, record.f2);
    card.update(state);
    if (verdict.flagged()) {
      out.collect(Tuple2.of(record.f0, writer.write(transaction, verdict, System.currentTimeMillis())));
    }
  }
}
