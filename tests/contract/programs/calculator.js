function tokenize(text) {
  const tokens = [];
  const pattern = /\s*(?:(\d+\.?\d*)|(.))/gy;
  for (let m; (m = pattern.exec(text)) && m[0];) tokens.push(m[1] ? { type: 'number', value: Number(m[1]) } : { type: 'op', value: m[2] });
  return tokens;
}
class Parser {
  #at = 0;
  constructor(tokens) { this.tokens = tokens; }
  peek() { return this.tokens[this.#at]?.value; }
  next() { return this.tokens[this.#at++]; }
  binary(lower, ops) {
    let left = lower();
    while (ops.includes(this.peek())) left = { op: this.next().value, left, right: lower() };
    return left;
  }
  expression = () => this.binary(this.term, ['+', '-']);
  term = () => this.binary(this.factor, ['*', '/']);
  factor = () => {
    const token = this.next();
    if (!token) throw new SyntaxError('unexpected end');
    if (token.value === '-') return { op: 'neg', right: this.factor() };
    if (token.value === '(') { const inner = this.expression(); if (this.next()?.value !== ')') throw new SyntaxError('expected )'); return inner; }
    if (token.type !== 'number') throw new SyntaxError(`unexpected ${token.value}`);
    return token.value;
  };
}
const ops = { '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b, '/': (a, b) => a / b, neg: (_, b) => -b };
const evaluate = (tree) => (typeof tree === 'number' ? tree : ops[tree.op](evaluate(tree.left ?? 0), evaluate(tree.right)));
for (const text of ['1 + 2 * 3', '(1 + 2) * -3', '10 / 4 - 1.5', '2 * (3 + 4) * 5', '1 / 0', '2 +', '(1', '1 $ 2']) {
  try { console.log(text.padEnd(16), '=', evaluate(new Parser(tokenize(text)).expression())); } catch (e) { console.log(text.padEnd(16), '!', `${e}`); }
}
console.log(new Parser(tokenize('1 + 2 * (3 - 4)')).expression(), tokenize('a1'));
evaluate(new Parser(tokenize('7 * 6')).expression())
