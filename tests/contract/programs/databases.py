import sqlite3

db = sqlite3.connect(":memory:")
db.row_factory = sqlite3.Row
db.executescript("""
    create table author(id integer primary key, name text unique);
    create table book(title text, year int, price real, author_id int references author(id));
""")
db.executemany("insert into author(name) values (?)", [("Lem",), ("Le Guin",), ("Dick",)])
books = [("Solaris", 1961, 9.5, 1), ("Fiasco", 1986, 11.25, 1), ("The Dispossessed", 1974, 8.0, 2), ("Ubik", 1969, None, 3)]
with db:
    db.executemany("insert into book values (?, ?, ?, ?)", books)
query = """select a.name, count(*) n, avg(b.price) mean, group_concat(b.title, '; ') titles
           from author a join book b on b.author_id = a.id group by a.id order by n desc, a.name"""
for row in db.execute(query):
    print(dict(row), row["name"], len(row))
print(db.execute("select max(year), min(price), sum(price) from book where title like '%s%'").fetchone()[:])
try:
    with db:
        db.execute("insert into author(name) values ('Lem')")
except sqlite3.IntegrityError as error:
    print(type(error).__name__, error)
try:
    db.execute("select * from nothing")
except sqlite3.OperationalError as error:
    print(error)
db.create_function("shout", 1, lambda s: s.upper() + "!")
print([tuple(r) for r in db.execute("select shout(name) from author order by 1")], db.total_changes)
print(db.execute("with recursive c(n) as (select 1 union all select n + 1 from c where n < 5) select sum(n) from c").fetchone()[0])
[row["title"] for row in db.execute("select title from book order by year")]
