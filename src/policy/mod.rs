//! Security policy: what code may say before it is run.
mod admit;
mod finding;
pub use admit::*;
pub use finding::*;
#[derive(Clone)]
pub struct SecurityManager;
pub enum Profile { Default, Permissive }
#[derive(Debug)]
pub struct PolicyError;
impl std::fmt::Display for PolicyError { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("x") } }
impl std::error::Error for PolicyError {}
impl SecurityManager { pub fn validate(&self,_c:&str,l:crate::Language)->SecurityResult{SecurityResult::new(l, vec![], 0)} 
pub fn builtin(_p: Profile)->Self{Self} pub fn name(&self)->&str{"x"} pub fn from_file(_p:&std::path::Path)->Result<Self,PolicyError>{Err(PolicyError)} }
pub fn render(_r:&SecurityResult,_n:&str,_s:&str)->String{String::new()}
pub fn render_verdict(_r:&crate::PolicyVerdict,_n:&str,_s:&str)->String{String::new()}
