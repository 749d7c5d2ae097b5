import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Date;
import java.util.TimeZone;
import org.quartz.CronExpression;

/** Reads lines of ZONE, FROM, UNTIL and EXPRESSION with tabs between; prints seconds since 1970. */
class AskQuartz {
    public static void main(String[] arguments) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) {
            String[] parts = line.split("\t", 4);
            try {
                CronExpression expression = new CronExpression(parts[3]);
                expression.setTimeZone(TimeZone.getTimeZone(parts[0]));
                // The next one is later than the time that it is asked for.
                Date fire = new Date((Long.parseLong(parts[1]) - 1) * 1000);
                long until = Long.parseLong(parts[2]);
                StringBuilder fires = new StringBuilder();
                while ((fire = expression.getNextValidTimeAfter(fire)) != null && fire.getTime() / 1000 < until) {
                    fires.append(fire.getTime() / 1000).append(' ');
                }
                System.out.println(fires.toString().trim());
            } catch (Exception error) {
                System.out.println("error");
            }
        }
    }
}
