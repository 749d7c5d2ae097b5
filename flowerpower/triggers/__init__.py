"""When: cron expressions, intervals and dates, time zones and the clock."""
