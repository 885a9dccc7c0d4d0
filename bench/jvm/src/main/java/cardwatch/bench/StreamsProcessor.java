package cardwatch.bench;

import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Judges the transactions of the cards of one partition, and forwards a notification of each that is flagged. */
final class StreamsProcessor extends ContextualProcessor<byte[], byte[], byte[], byte[]> {
  static final String STORE = "cards";
  private static final Logger LOG = LoggerFactory.getLogger(StreamsProcessor.class);

  private final Judge judge;
  private final TransactionReader reader;
  private final NotificationWriter writer;
  private KeyValueStore<Bytes, CardState> cards;

  StreamsProcessor(Judge judge, TransactionReader reader, NotificationWriter writer) {
    this.judge = judge;
    this.reader = reader;
    this.writer = writer;
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> context) {
    super.init(context);
    cards = context.getStateStore(STORE);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    RecordMetadata from = context().recordMetadata().orElseThrow();
    Transaction transaction;
    try {
      transaction = reader.read(record.key(), record.value());
    } catch (BadRecordException bad) {
      LOG.warn("skipped {}-{}@{}: {}", from.topic(), from.partition(), from.offset(), bad.getMessage());
      return;
    }
    Bytes card = Bytes.wrap(record.key());
    CardState known = cards.get(card);
    CardState state = known == null ? new CardState() : known;
    if (from.offset() <= state.appliedOffset) {
      return; // Replayed: the state contains this very record already.
    }
    Verdict verdict = judge.judge(state, transaction, from.offset());
    cards.put(card, state);
    if (verdict.flagged()) {
      long nowMs = System.currentTimeMillis();
      context().forward(record.withValue(writer.write(transaction, verdict, nowMs)).withTimestamp(nowMs));
    }
  }
}
