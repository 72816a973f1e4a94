import ast
import difflib
import html
import inspect
import shlex
import urllib.parse as url
import uuid
import xml.etree.ElementTree as ET

old, new = "one\ntwo\nthree".splitlines(), "one\n2\nthree\nfour".splitlines()
print("\n".join(difflib.unified_diff(old, new, "old", "new", lineterm="")))
print(difflib.get_close_matches("appel", ["ape", "apple", "peach"]), round(difflib.SequenceMatcher(None, "abcd", "bcde").ratio(), 3))
print(html.escape("<a href='x'>&</a>"), html.unescape("&eacute;&#128512;&lt;"), shlex.split("a 'b c' d\\ e"))
parts = url.urlsplit("https://user@example.org:8080/p/a?q=1&q=%C3%A9#frag")
print(parts, parts.port, url.parse_qs(parts.query), url.quote("a b/é"), url.urljoin("http://a/b/c", "../d"), url.urlencode({"k": "v w"}))
root = ET.fromstring("<shop><item id='1'>pen</item><item id='2'>ink &amp; paper</item></shop>")
ET.SubElement(root, "total").text = "2"
print([(e.get("id"), e.text) for e in root.iter("item")], ET.tostring(root, encoding="unicode"))
print(ast.dump(ast.parse("x = 1 + y", mode="exec")), ast.unparse(ast.parse("f( a ,b = 2 )")), ast.literal_eval("{'a': [1, (2,)]}"))
def sample(a, b: int = 2, *, c="x"):
    return a
print(inspect.signature(sample), inspect.getsource(sample).splitlines()[1].strip(), uuid.uuid5(uuid.NAMESPACE_DNS, "example.org"))
list(difflib.ndiff(["a"], ["b"]))
