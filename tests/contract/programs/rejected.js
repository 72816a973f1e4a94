async function fetchAll(ids) {
  const results = [];
  for (const id of ids) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (id > 2) throw new TypeError(`bad id: ${id}`);
    results.push(id);
  }
  return results;
}
fetchAll([1, 2]).then((r) => console.log(r));
fetchAll([1, 2, 3]).then((r) => console.log(r));
