package cardwatch.bench;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Key, value and offset of each record, as they are: they go from task to task as bytes anyway. */
final class FlinkRecords implements KafkaRecordDeserializationSchema<Tuple3<byte[], byte[], Long>> {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(FlinkRecords.class);

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Tuple3<byte[], byte[], Long>> out) {
    if (record.key() == null || record.value() == null) {
      LOG.warn("skipped {}-{}@{}: key or value is null", record.topic(), record.partition(), record.offset());
      return;
    }
    out.collect(Tuple3.of(record.key(), record.value(), record.offset()));
  }

  @Override
  public TypeInformation<Tuple3<byte[], byte[], Long>> getProducedType() {
    return Types.TUPLE(Types.PRIMITIVE_ARRAY(Types.BYTE), Types.PRIMITIVE_ARRAY(Types.BYTE), Types.LONG);
  }
}
