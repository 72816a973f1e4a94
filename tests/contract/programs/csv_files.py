import csv
import io
import os

rows = [{"city": "Köln", "pop": "1084831", "note": 'has "quotes"'}, {"city": "Ulm", "pop": "126405", "note": "a, b\nc"}]
with open("cities.csv", "w", newline="", encoding="utf-8") as file:
    writer = csv.DictWriter(file, fieldnames=["city", "pop", "note"])
    writer.writeheader()
    writer.writerows(rows)
with open("cities.csv", encoding="utf-8") as file:
    print(repr(file.read()))
with open("cities.csv", newline="", encoding="utf-8") as file:
    back = list(csv.DictReader(file))
print(back == rows, sum(int(row["pop"]) for row in back), os.path.getsize("cities.csv"), os.listdir("."))
for line in csv.reader(io.StringIO("a;b;'c;d'\n1;2;3"), delimiter=";", quotechar="'"):
    print(line)
out = io.StringIO()
csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerows([[1, "x", None], [2.5, 'q"', ""]])
print(out.getvalue())
print(csv.Sniffer().sniff("a\tb\tc\n1\t2\t3\n").delimiter == "\t")
with open("cities.csv", "rb") as file:
    file.seek(-4, os.SEEK_END)
    print(file.read(), file.tell())
back[1]
