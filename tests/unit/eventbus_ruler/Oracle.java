// Judges pairs of pattern and event with AWS's own matcher (software.amazon.event.ruler:event-ruler), as the service
// does: Machine.addRule decides what is a pattern, Machine.rulesForJSONEvent (with array consistency) what matches.
// Reads JSON lines {"pattern": text, "event": text}; prints a line each: "true", "false" or "error: reason".
// With the jars of pom.xml in jars/:  java -cp 'jars/*' Oracle.java < cases > verdicts

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import software.amazon.event.ruler.Machine;

class Oracle {
  public static void main(String[] arguments) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode pair = mapper.readTree(line);
      out.println(judge(pair.get("pattern").asText(), pair.get("event").asText()));
    }
    out.flush();
  }

  static String judge(String pattern, String event) {
    Machine machine = new Machine();
    try {
      machine.addRule("rule", pattern);
    } catch (Exception | StackOverflowError | AssertionError error) {
      return "error: " + String.valueOf(error.getMessage()).split("\n")[0];
    }
    try {
      return String.valueOf(!machine.rulesForJSONEvent(event).isEmpty());
    } catch (Exception | StackOverflowError error) {
      return "bad event: " + String.valueOf(error.getMessage()).split("\n")[0];
    }
  }
}
