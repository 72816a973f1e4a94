const sleep = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
async function load(id) {
  await sleep(id * 15);
  if (id === 3) throw new Error(`no record ${id}`);
  return { id, name: `record ${id}` };
}
async function* pages() {
  for (let i = 1; i <= 2; i++) { await sleep(1); yield i; }
}
async function main() {
  console.log('start');
  const one = await load(1);
  console.log(one);
  try { await load(3); } catch (e) { console.log('caught', e.message); } finally { console.log('finally'); }
  for await (const page of pages()) console.log('page', page);
  for (const p of [sleep(2, 'a'), 'b']) console.log(await p);
  return one.name;
}
setTimeout(() => console.log('timer'), 0);
Promise.resolve().then(() => console.log('micro 1')).then(() => console.log('micro 2'));
queueMicrotask(() => console.log('micro 3'));
process.nextTick(() => console.log('tick'));
main().then((name) => console.log('done', name));
console.log('sync end', main);
