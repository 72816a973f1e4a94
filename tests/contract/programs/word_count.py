import re
from collections import Counter

text = """The quick brown fox jumps over the lazy dog.
The dog sleeps; the fox runs. A quick end."""
words = re.findall(r"[a-z]+", text.lower())
counts = Counter(words)
for word, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
    print(f"{word:<8}{'#' * n} {n}")
print(counts.most_common(1), sum(counts.values()), counts)
letters = Counter("".join(words))
print(letters & Counter("aaabbbeee"), letters.total())
dict(sorted(counts.items()))
