class PriorityQueue {
  #heap = [];
  push(item, priority) {
    const heap = this.#heap;
    heap.push({ item, priority });
    for (let i = heap.length - 1, p; i > 0 && heap[p = (i - 1) >> 1].priority > heap[i].priority; i = p) [heap[i], heap[p]] = [heap[p], heap[i]];
  }
  pop() {
    const heap = this.#heap, top = heap[0], last = heap.pop();
    if (heap.length) {
      heap[0] = last;
      for (let i = 0; ;) {
        const [l, r] = [2 * i + 1, 2 * i + 2];
        let least = i;
        if (heap[l]?.priority < heap[least].priority) least = l;
        if (heap[r]?.priority < heap[least].priority) least = r;
        if (least === i) break;
        [heap[i], heap[least]] = [heap[least], heap[i]]; i = least;
      }
    }
    return top?.item;
  }
  get size() { return this.#heap.length; }
}
const graph = { a: { b: 7, c: 3 }, b: { d: 2 }, c: { b: 1, d: 8 }, d: {}, e: {} };
function shortest(start) {
  const cost = Object.fromEntries(Object.keys(graph).map((n) => [n, Infinity])), from = {}, queue = new PriorityQueue();
  cost[start] = 0; queue.push(start, 0);
  while (queue.size) {
    const node = queue.pop();
    for (const [to, w] of Object.entries(graph[node])) if (cost[node] + w < cost[to]) { cost[to] = cost[node] + w; from[to] = node; queue.push(to, cost[to]); }
  }
  return { cost, from };
}
const { cost, from } = shortest('a');
const route = (to) => (to ? [...route(from[to]), to] : []);
console.log(cost, from, route('d').join(' -> '));
const permutations = (list) => (list.length < 2 ? [list] : list.flatMap((x, i) => permutations(list.filter((_, j) => j !== i)).map((p) => [x, ...p])));
console.log(permutations([1, 2, 3]), permutations('abcd'.split('')).length);
const sieve = (n) => { const flags = new Uint8Array(n + 1).fill(1, 2); for (let i = 2; i * i <= n; i++) if (flags[i]) for (let j = i * i; j <= n; j += i) flags[j] = 0; return flags.reduce((s, f) => s + f, 0); };
const hanoi = (n, a = 'A', b = 'B', c = 'C') => (n === 0 ? 0 : hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a));
console.log(sieve(100000), hanoi(10), [..."level"].reverse().join('') === 'level', Number.parseInt('ff', 16), (12345).toString().split('').map(Number));
cost
