class Account {
  #balance = 0;
  static count = 0;
  static { Account.kinds = ['basic']; }
  constructor(owner) { this.owner = owner; Account.count++; }
  get balance() { return this.#balance; }
  set limit(value) { this._limit = value; }
  deposit(amount) {
    if (!(amount > 0)) throw new RangeError(`bad amount: ${amount}`);
    this.#balance += amount;
    return this;
  }
  static #secret() { return 'hidden'; }
  static reveal() { return Account.#secret(); }
  toString() { return `${this.owner}: ${this.#balance.toFixed(2)}`; }
  [Symbol.toPrimitive](hint) { return hint === 'number' ? this.#balance : this.toString(); }
}
class Savings extends Account {
  rate = 0.05;
  constructor(owner) { super(owner); }
  deposit(amount) { super.deposit(amount); return super.deposit(amount * this.rate); }
}
const a = new Savings('Ann').deposit(100), b = new Account('Bob');
b.limit = 5;
console.log(`${a}`, +a, a.balance, a instanceof Account, Account.count, Account.reveal(), Account.kinds);
console.log(a, b, Account, Savings, Object.keys(b), a.constructor.name, typeof Account, b.missing?.deep ?? 'none');
try { b.deposit(-1); } catch (e) { console.log(e.name, e.message, e instanceof RangeError); }
try { null.x; } catch (e) { console.log(e.name); }
try { Account(); } catch (e) { console.log(e.name); }
({ owner: a.owner, balance: a.balance })
