// Makes test_notifier_vectors.json with the classes that the Kafka Connect runtime and the connector use:
// SimpleHeaderConverter (connect-api 4.1.1), JsonConverter (connect-json 4.1.1), Jackson's tree (2.19), Java 17.
// With those jars in jars/:  java -cp 'jars/*' test_notifier_vectors.java > test_notifier_vectors.json

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.storage.StringConverter;

class Vectors {
  static final ObjectMapper MAPPER = new ObjectMapper();
  static final JsonConverter JSON = new JsonConverter();
  static final SimpleHeaderConverter HEADERS = new SimpleHeaderConverter();
  static final StringConverter KEYS = new StringConverter();
  static final Random RANDOM = new Random(7);

  static final String[] HEADER_TEXTS = {
    "", " ", "abc", "hello world", "1", "127", "128", "-128", "-129", "32767", "32768", "40000", "2147483648", "3000000000",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1.5", "0.1", "1.10", "1.0", "-0", "-0.0", "+5",
    "007", " 7 ", "7 ", "1e3", "1E400", "1e-400", "-", "+", ".5", "5.", "-.5", "1e", "1e+", "1.2.3", "NaN", "Infinity", "0x10",
    "1f", "1d", "1L", "1_000", "12345678901234567890.123", "16777217.5", "3.4028235e38", "3.5e38", "0.30000001192092896",
    "0.001", "0.0001", "10000000.5", "true", "false", " true", "TRUE", "True", "null", "NULL", "trueish", "true}", "true,",
    "\"a\"", "\"a\\\"b\"", "\"a", "'a'", "a\\b", "x\"y", "a:b", "1,2", "1:2", "[]", "[1,2]", "[1, 2.5]", "[1,300,70000]",
    "[1,\"a\"]", "[\"a\",\"b\"]", "[\"a\" \"b\"]", "[a,b]", "[true,false]", "[ true , false ]", "[true,null]", "[null]",
    "[null,null]", "[1,]", "[,1]", "[1", "[1]x", "[[1],[2]]", "[[\"a\"],[\"b\"]]", "[{\"a\":1},{\"b\":2}]", "[\" \"]", "[\"a: \"]",
    "[\"2019-08-23\"]", "[2019-08-23]", "[1,2019-08-23]", "[2019-08-23,1]", "[0.1,3.5e38]", "[0.5,16777217]", "{}", "{\"a\":1}", "{a:1}",
    "{\"a\":1,\"b\":\"x\"}", "{\"a\":1,\"b\":2.5}", "{\"a\":null}", "{\"a\":1,\"b\":null}", "{\"a\":[1,2]}", "{\"a\":{\"b\":1}}", "{1:2}", "{1:2,300:4}",
    "{\"a\"}", "{\"a\":1", "{\"a\":1 \"b\":2}", "{\"a\":1,\"a\":2}", "{ \"a\" : 1 , \"b\" : 2 }", "{\"a\":1}tail", "2019-08-23", "14:34:54.346Z",
    "2019-08-23T14:34:54.346Z", "2019-08-23T14:34:54Z", "2019-13-45", "2019-08-2x", "99:99:99.999Z", "14\\:34\\:54.346Z", "\\", "a\\", "a\\\\\"b",
    "zażółć gęślą jaźń", "日本語", "🦊", "\u2028\u2029\u007f", "\u0000\u0001\u001f\b\t\n\f\r", "/", "</script>", "١٢"
  };
  static final String[] PARTS = {
    "[", "]", "{", "}", ":", ",", "\"", " ", "\\", "1", "2.5", "-3", "300", "70000", "1e3", "true", "false", "null", "a", "b c",
    "2019-08-23", "14:34:54.346Z", "\"x\"", "\"y\"", "\"k\":", "\"m\":", "[1]", "[1,2]", "{\"a\":1}", "\"\"", "é"
  };

  static void header(ArrayNode out, byte[] bytes) {
    ObjectNode row = out.addObject().put("base64", Base64.getEncoder().encodeToString(bytes));
    try {
      SchemaAndValue typed = HEADERS.toConnectHeader("t", "h", bytes);
      byte[] json = JSON.fromConnectHeader("t", "h", typed.schema(), typed.value());
      row.put("json", MAPPER.readTree(json).toString());
    } catch (Exception e) {
      row.putNull("json"); // the connector fails: a dead letter there
    }
  }

  static String json(Schema schema, Object value) throws Exception {
    return MAPPER.readTree(JSON.fromConnectData("t", schema, value)).toString();
  }

  static void number(ArrayNode doubles, double x) throws Exception {
    doubles.addObject().put("bits", String.format("%016x", Double.doubleToRawLongBits(x))).put("json", json(Schema.FLOAT64_SCHEMA, x));
  }

  static void number(ArrayNode floats, float x) throws Exception {
    floats.addObject().put("bits", String.format("%08x", Float.floatToRawIntBits(x))).put("json", json(Schema.FLOAT32_SCHEMA, x));
  }

  static Struct everything(Schema schema, Schema inner, Object optional) {
    return new Struct(schema)
        .put("text", "zażółć \"gęślą\"\n\u001f\u007f\u2028 🦊 </a>").put("whole", 2147483647).put("big", Long.MIN_VALUE).put("yes", true)
        .put("single", 0.1f).put("real", 1.0E7).put("small", 1.0E-4).put("raw", new byte[] {0, -1, 127}).put("fixed", new byte[] {1, 2, 3, 4})
        .put("price", new BigDecimal("-123.45")).put("day", new java.util.Date(18131L * 86400000L))
        .put("at", new java.util.Date(1684841916831L)).put("symbol", "GREEN").put("maybe", optional)
        .put("list", List.of(1.5, 300.0)).put("map", Map.of("k", 1L)).put("inner", new Struct(inner).put("total", 195.0).put("none", null));
  }

  static void record(ArrayNode out, String name, byte[] key, Schema schema, Object value, Long timestamp, String type, String[][] headers)
      throws Exception {
    ObjectNode root = MAPPER.createObjectNode();
    root.put("topic", "notifications").put("partition", 3).put("offset", 42L).put("timestamp", timestamp).put("timestampType", type);
    ArrayNode typed = MAPPER.createArrayNode();
    for (String[] header : headers) {
      SchemaAndValue one = HEADERS.toConnectHeader("t", header[0], header[1].getBytes(StandardCharsets.UTF_8));
      ObjectNode item = MAPPER.createObjectNode();
      item.set(header[0], MAPPER.readTree(JSON.fromConnectHeader("t", header[0], one.schema(), one.value())));
      typed.add(item);
    }
    root.set("headers", typed);
    SchemaAndValue connectKey = KEYS.toConnectData("t", key);
    root.set("key", key == null ? null : MAPPER.readTree(JSON.fromConnectData("t", connectKey.schema(), connectKey.value())));
    root.set("value", value == null ? null : MAPPER.readTree(JSON.fromConnectData("t", schema, value)));
    ObjectNode row = out.addObject().put("name", name).put("key", key == null ? null : Base64.getEncoder().encodeToString(key));
    row.put("timestamp", timestamp).put("timestampType", type).set("headers", MAPPER.valueToTree(headers));
    row.put("detail", root.toString());
  }

  public static void main(String[] args) throws Exception {
    JSON.configure(Map.of("schemas.enable", "false"), false);
    KEYS.configure(Map.of(), true);
    int random = args.length > 0 ? Integer.parseInt(args[0]) : 300;
    ObjectNode all = MAPPER.createObjectNode();
    all.put("made_by", "test_notifier_vectors.java: connect-api and connect-json 4.1.1, Jackson 2.19.0, Java " + System.getProperty("java.version"));

    ArrayNode headers = all.putArray("headers");
    for (String text : HEADER_TEXTS) header(headers, text.getBytes(StandardCharsets.UTF_8));
    for (int[] bad : new int[][] {{0xff}, {0xff, 0xfe}, {'a', 0xc3}, {0xe2, 0x82}, {0xf0, 0x9f, 0xa6}, {0xed, 0xa0, 0x80}, {0xc0, 0xaf}, {'1', 0x80}, {0xf5, 0x80, 0x80}}) {
      byte[] bytes = new byte[bad.length];
      for (int i = 0; i < bad.length; i++) bytes[i] = (byte) bad[i];
      header(headers, bytes);
    }
    for (int i = 0; i < random; i++) {
      StringBuilder text = new StringBuilder(RANDOM.nextBoolean() ? (RANDOM.nextBoolean() ? "[" : "{") : "");
      for (int n = 1 + RANDOM.nextInt(7); n > 0; n--) text.append(PARTS[RANDOM.nextInt(PARTS.length)]);
      if (RANDOM.nextBoolean()) text.append(text.charAt(0) == '{' ? "}" : "]");
      header(headers, text.toString().getBytes(StandardCharsets.UTF_8));
    }

    ArrayNode doubles = all.putArray("doubles");
    ArrayNode floats = all.putArray("floats");
    double[] reals = {0.0, -0.0, 1, -1, 195, 0.1, 1.0 / 3, 100, 1e6, 9999999, 9999999.999, 1e7, 12345678.9, 1e16, 1e21, 1e22, 1e23, 1e-3, 9.99e-4, 1e-4, 1e-5, 0.001234,
        123456789012345680.0, Double.MIN_VALUE, Double.MAX_VALUE, Double.MIN_NORMAL, 300, 58.5, 0.85, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1e-323};
    for (double x : reals) number(doubles, x);
    for (double x : reals) number(floats, (float) x);
    for (float x : new float[] {Float.MIN_VALUE, Float.MAX_VALUE, Float.MIN_NORMAL, 16777216f, 3.14159f}) number(floats, x);
    for (int i = 0; i < random; i++) number(doubles, RANDOM.nextInt(1_000_000_000) / 100.0);
    for (int i = 0; i < random; i++) number(doubles, (RANDOM.nextDouble() - 0.5) * Math.pow(10, RANDOM.nextInt(60) - 30));
    for (int i = 0; i < random; i++) number(floats, (RANDOM.nextFloat() - 0.5f) * (float) Math.pow(10, RANDOM.nextInt(60) - 30));

    ArrayNode strings = all.putArray("strings");
    StringBuilder ascii = new StringBuilder();
    for (char c = 0; c < 0x180; c++) ascii.append(c);
    for (String text : new String[] {ascii.toString(), "\u2028\u2029\ufeff\ufffd\uffff", "🦊𝒳", "日本語"}) {
      strings.addObject().put("text", text).put("json", json(Schema.STRING_SCHEMA, text));
    }

    Schema inner = SchemaBuilder.struct().name("Inner").field("total", Schema.FLOAT64_SCHEMA).field("none", Schema.OPTIONAL_STRING_SCHEMA).build();
    Schema schema = SchemaBuilder.struct().name("Everything")
        .field("text", Schema.STRING_SCHEMA).field("whole", Schema.INT32_SCHEMA).field("big", Schema.INT64_SCHEMA).field("yes", Schema.BOOLEAN_SCHEMA)
        .field("single", Schema.FLOAT32_SCHEMA).field("real", Schema.FLOAT64_SCHEMA).field("small", Schema.FLOAT64_SCHEMA)
        .field("raw", Schema.BYTES_SCHEMA).field("fixed", Schema.BYTES_SCHEMA).field("price", Decimal.schema(2)).field("day", Date.SCHEMA)
        .field("at", Timestamp.SCHEMA).field("symbol", Schema.STRING_SCHEMA).field("maybe", Schema.OPTIONAL_INT64_SCHEMA)
        .field("list", SchemaBuilder.array(Schema.FLOAT64_SCHEMA).build())
        .field("map", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT64_SCHEMA).build()).field("inner", inner).build();
    ArrayNode records = all.putArray("records");
    byte[] card = "card_1".getBytes(StandardCharsets.UTF_8);
    String[][] none = {};
    record(records, "everything", card, schema, everything(schema, inner, null), 1684841916831L, "CreateTime", none);
    record(records, "optional set", card, schema, everything(schema, inner, 5L), 1684841916831L, "LogAppendTime", none);
    record(records, "null key", null, schema, everything(schema, inner, null), 1684841916831L, "CreateTime", none);
    record(records, "empty key", new byte[0], schema, everything(schema, inner, null), 1684841916831L, "CreateTime", none);
    record(records, "key that is not UTF-8", new byte[] {'k', (byte) 0xff, (byte) 0xe2, (byte) 0x82, 'z'}, schema, everything(schema, inner, null), 0L, "CreateTime", none);
    record(records, "tombstone", card, null, null, 1684841916831L, "CreateTime", none);
    record(records, "no timestamp", card, null, null, null, "NoTimestampType", none);
    record(records, "headers", "zażółć".getBytes(StandardCharsets.UTF_8), null, null, 1L, "CreateTime", new String[][] {
        {"n", "42"}, {"d", "1.5"}, {"yes", "true"}, {"list", "[1,2]"}, {"map", "{\"a\":1}"}, {"text", "hello \"x\""}, {"n", "43"}, {"zażółć", "é"}, {"", "empty name"}, {"day", "2019-08-23"}});
    System.out.println(MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(all));
  }
}
