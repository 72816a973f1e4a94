class ConfigError extends Error {
  constructor(name) { super(`no setting named ${name}`); this.name = 'ConfigError'; }
}
function load(name) {
  const settings = { debug: 'yes' };
  if (!(name in settings)) throw new ConfigError(name);
  return settings[name];
}
console.log('loading');
console.log(load('debug'));
console.log(load('colour'));
console.log('never');
