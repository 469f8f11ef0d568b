/*
 * Answers rows with java.util.regex, to record java-regex.jsonl and java-regex-more.jsonl beside this file.
 *
 * It reads rows such as {"pattern": "a+", "input": "aa"} and writes each with the field "java": "match" or "no"
 * for Pattern.compile(pattern).matcher(input).matches(), "error" for a pattern that does not compile, and
 * "exception" where it compiles and the matcher throws. An old field "java" is replaced, so a recording can be
 * checked (with Java 17, answers differ between versions):
 *
 *     java Record.java < java-regex-more.jsonl | cmp - java-regex-more.jsonl
 */
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

public class Record {
    /** A JSON string as it is written, quotes included. */
    private static final String STRING = "\"(?:[^\"\\\\]|\\\\.)*+\"";
    private static final Pattern ROW = Pattern.compile(
            "\\{\"pattern\": (?<pattern>" + STRING + "), \"input\": (?<input>" + STRING + ")(?:, \"java\": \"\\w+\")?\\}");
    private static final Pattern ESCAPE = Pattern.compile("\\\\(?:u(?<code>\\p{XDigit}{4})|(?<short>[^u]))");

    public static void main(String[] arguments) throws IOException {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Matcher row = ROW.matcher(line);
            if (!row.matches()) {
                throw new IOException("expected {\"pattern\": \"...\", \"input\": \"...\"}, found " + line);
            }
            String pattern = row.group("pattern");
            String input = row.group("input");
            // The strings are copied as they were written, so that a recording stays the same byte by byte.
            System.out.print("{\"pattern\": " + pattern + ", \"input\": " + input + ", \"java\": \""
                    + answer(unquote(pattern), unquote(input)) + "\"}\n");
        }
        System.out.flush();
    }

    private static String answer(String pattern, String input) {
        Pattern compiled;
        try {
            compiled = Pattern.compile(pattern);
        } catch (PatternSyntaxException error) {
            return "error";
        }
        try {
            return compiled.matcher(input).matches() ? "match" : "no";
        } catch (RuntimeException error) {
            return "exception";
        }
    }

    /** What a JSON string stands for. */
    private static String unquote(String json) {
        var text = new StringBuilder();
        Matcher escape = ESCAPE.matcher(json);
        int end = 1;
        for (; escape.find(end); end = escape.end()) {
            text.append(json, end, escape.start());
            text.append(escape.group("code") != null
                    ? (char) Integer.parseInt(escape.group("code"), 16)
                    : unescape(escape.group("short").charAt(0)));
        }
        return text.append(json, end, json.length() - 1).toString();
    }

    private static char unescape(char letter) {
        return switch (letter) {
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            default -> letter;
        };
    }
}
