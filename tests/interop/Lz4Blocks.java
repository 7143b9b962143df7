import java.io.ByteArrayOutputStream;
import java.util.Base64;
import net.jpountz.lz4.LZ4BlockOutputStream;

/**
 * Prints what lz4-java makes of 200 bytes in blocks of 64, for tests/codecs/unpack_test.ts:
 *
 *     java -cp lz4-java-1.8.0.jar Lz4Blocks.java
 */
public class Lz4Blocks {
  public static void main(String[] args) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (LZ4BlockOutputStream packed = new LZ4BlockOutputStream(bytes, 64)) {
      for (int i = 0; i < 200; i++) packed.write(i < 64 ? i * 37 : i / 9);
    }
    System.out.println(Base64.getEncoder().encodeToString(bytes.toByteArray()));
  }
}
