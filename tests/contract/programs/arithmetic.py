import math
import statistics as st

data = [2.5, 3.25, 5.5, 11.25, 11.75, 3.25]
print(st.mean(data), st.median(data), st.mode(data), round(st.stdev(data), 10), st.pvariance(data))
print(st.quantiles(data, n=4), st.harmonic_mean([40, 60]), st.multimode("aabbc"), st.fmean(data))
print(st.linear_regression([1, 2, 3], [2, 4, 6.5]), round(st.correlation([1, 2, 3], [3, 2, 1.5]), 12))
print(math.pi, math.e, math.sin(1), math.exp(1.5), math.log(10, 2), math.hypot(3, 4), math.atan2(1, -1))
print(1e16, 1e15, 123456789.123456789, 1 / 3, -1e-5, 5e-324, 1.7976931348623157e308, float("inf"), -float("nan"))
print(2**100, -7 // 2, -7 % 3, divmod(-7, 2), 7.5 // 2, pow(3, 200, 13), 0b1010, 0xFF, 1_000_000, int("zz", 36))
print((255).to_bytes(2, "big"), int.from_bytes(b"\x01\x00", "little"), (10).bit_length(), bin(37), hex(255), oct(8))
print((0.1).hex(), float.fromhex("0x1.8p3"), (0.75).as_integer_ratio(), complex(1, -2) * 2j, abs(3 + 4j))
try:
    st.mean([])
except st.StatisticsError as error:
    print(type(error).__name__, error)
print([round(x * 0.1, 1) for x in range(5)], math.inf - math.inf, math.floor(-0.5), math.trunc(-1.7))
{"mean": st.mean(data), "big": 2**53, "bits": [1 << n for n in (0, 31, 32, 62)]}
