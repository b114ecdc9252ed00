import java.nio.file.Path;
import java.util.Map;

/** Reads a digit by the library that digits.py builds: java -cp out Read.java out/libdigits.so (with PenstockModel.java beside it). */
public final class Read {
  public static void main(String[] arguments) {
    try (PenstockModel model = PenstockModel.load(Path.of(arguments[0]))) {
      float[] image = new float[784];
      for (int row = 4; row < 24; row++) {
        image[28 * row + 14] = 1; // a stroke
      }
      float[] scores = (float[]) model.run("read", Map.of("image", image)).get("scores");
      int best = 0;
      for (int digit = 1; digit < 10; digit++) {
        best = scores[digit] > scores[best] ? digit : best;
      }
      System.out.println("The stroke is read as " + best + " with a score of " + scores[best] + ".");
      try {
        model.run("read", Map.of("image", new float[10]));
      } catch (PenstockModel.ModelException refused) {
        System.out.println("A wrong call is refused: " + refused.getMessage());
      }
    }
  }
}
