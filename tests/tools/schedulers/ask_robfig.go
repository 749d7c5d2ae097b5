// Reads lines of ZONE, FROM, UNTIL and EXPRESSION with tabs between; prints seconds since 1970.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/robfig/cron"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), "\t", 4)
		zone, err := time.LoadLocation(parts[0])
		if err != nil {
			panic(err)
		}
		var from, until int64
		fmt.Sscan(parts[1], &from)
		fmt.Sscan(parts[2], &until)
		schedule, err := cron.ParseStandard(parts[3])
		if err != nil {
			fmt.Println("error")
			continue
		}
		var fires []string
		// The next one is later than the time that it is asked for.
		fire := schedule.Next(time.Unix(from-1, 0).In(zone))
		for !fire.IsZero() && fire.Unix() < until {
			fires = append(fires, fmt.Sprint(fire.Unix()))
			fire = schedule.Next(fire)
		}
		fmt.Println(strings.Join(fires, " "))
	}
}
