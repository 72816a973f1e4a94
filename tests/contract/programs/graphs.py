import heapq
from collections import defaultdict, deque
from graphlib import CycleError, TopologicalSorter

edges = [("a", "b", 7), ("a", "c", 3), ("c", "b", 1), ("b", "d", 2), ("c", "d", 8), ("e", "f", 1)]
graph = defaultdict(dict)
for u, v, w in edges:
    graph[u][v] = graph[v][u] = w

def dijkstra(start):
    best, queue = {start: (0, None)}, [(0, start)]
    while queue:
        cost, node = heapq.heappop(queue)
        if cost > best[node][0]:
            continue
        for to, w in graph[node].items():
            if to not in best or cost + w < best[to][0]:
                best[to] = (cost + w, node)
                heapq.heappush(queue, (cost + w, to))
    return best

def components():
    seen = set()
    for node in sorted(graph):
        if node not in seen:
            group, queue = [], deque([node])
            seen.add(node)
            while queue:
                group.append(queue.popleft())
                for to in sorted(graph[group[-1]]):
                    if to not in seen:
                        seen.add(to)
                        queue.append(to)
            yield group

print(dijkstra("a"), list(components()), dict(graph)["a"])
print(list(TopologicalSorter({"d": {"b", "c"}, "b": {"a"}, "c": {"a", "b"}}).static_order()))
try:
    list(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())
except CycleError as error:
    print(error)
{node: cost for node, (cost, _) in dijkstra("a").items()}
