#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq libquartz2-java=2.3.2-4 2> apt.log || { cat apt.log; exit 2; }
dpkg-deb -x ./*.deb tools
jar=tools/usr/share/java/quartz2.jar

cat > Run.java <<'JAVA'
import java.util.Date;
import java.util.TimeZone;
import org.quartz.CronExpression;

class Run {
    public static void main(String[] arguments) throws Exception {
        CronExpression expression = new CronExpression("0 17 * * * ?");
        expression.setTimeZone(TimeZone.getTimeZone("Europe/Berlin"));
        Date fire = new Date(1824937200000L); // 23:00 UTC on 30 October 2027
        for (int count = 0; count < 3; count++) {
            fire = expression.getNextValidTimeAfter(fire);
            System.out.print(fire.toInstant().toString().substring(11, 16) + " ");
        }
    }
}
JAVA
javac -cp "$jar" Run.java
seen=$(java -cp "$jar:." Run)
echo "Quartz 2.3.2: the next three times of '0 17 * * * ?' in Europe/Berlin after 23:00 UTC on 30 October 2027, in UTC;"
echo "clocks go back at 01:00 UTC"
echo "expected: 23:17 00:17 01:17"
echo "seen:     $seen"
[ "$seen" = "23:17 01:17 02:17 " ]
