import unicodedata

samples = ["café", "cafe\u0301", "Straße", "🎉👩‍👩‍👧", "İstanbul", "ﬁne", "日本語", "𝔘𝔫𝔦", "\u202eabc"]
for s in samples:
    nfc, nfkd = unicodedata.normalize("NFC", s), unicodedata.normalize("NFKD", s)
    print(s, len(s), len(s.encode()), s.upper(), s.casefold(), ascii(nfc), ascii(nfkd), s.isalpha(), s.isprintable())
print(samples[0] == samples[1], unicodedata.normalize("NFC", samples[1]) == samples[0])
print([unicodedata.name(c, "?") for c in "é🎉\u200d\n"], [unicodedata.category(c) for c in "aA1 €"])
print("🎉"[::-1], "naïve"[2], "日本語".encode("utf-16-le"), "é".encode("latin-1"), b"\xe2\x82\xac".decode(), ord("€"), chr(128512))
for action in (lambda: "é".encode("ascii"), lambda: b"\xff\xfe".decode(), lambda: "\ud83d".encode()):
    try:
        action()
    except UnicodeError as error:
        print(type(error).__name__, error)
print("é".encode("ascii", "replace"), "é€".encode("ascii", "xmlcharrefreplace"), b"a\xffb".decode("utf-8", "replace"), b"\xff".decode("latin-1"))
print("ÀÉ".translate({0xC0: "A", ord("É"): None}), "٣".isdigit(), int("٣"), unicodedata.numeric("½"), "x\u0301".center(5, "·"))
print(unicodedata.unidata_version, sorted(["é", "z", "a", "Z"]), "ß".upper().lower())
samples
