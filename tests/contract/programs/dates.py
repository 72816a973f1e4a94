from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo
import calendar

start = datetime(2024, 2, 27, 23, 30, tzinfo=timezone.utc)
for n in range(4):
    day = start + timedelta(days=n)
    print(day.isoformat(), day.strftime("%A %d %B %Y, week %V, day %j, %I:%M %p"), day.weekday())
print(start.astimezone(ZoneInfo("America/New_York")), start.astimezone(ZoneInfo("Asia/Kolkata")).utcoffset())
print(datetime.strptime("03/Mar/2021:04:05:06 +0200", "%d/%b/%Y:%H:%M:%S %z"))
print(date(2024, 12, 25) - date(2024, 2, 29), date.fromisoformat("2026-W01-1"), date(2024, 1, 31).replace(month=3))
print(timedelta(seconds=-1), repr(timedelta(days=1, hours=26, microseconds=5)), timedelta(hours=36) / timedelta(days=1))
print(datetime.fromtimestamp(0, timezone.utc), datetime(2026, 1, 1).timestamp(), calendar.monthrange(2024, 2))
print(calendar.month(2026, 2))
try:
    date(2023, 2, 29)
except ValueError as error:
    print(error)
start.isoformat()
