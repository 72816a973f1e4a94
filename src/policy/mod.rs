//! Security policy: what code may say before it is run.
mod admit;
pub use admit::*;
#[derive(Clone)]
pub struct SecurityManager;
#[derive(Clone,Default)]
pub struct SecurityResult;
impl SecurityResult { pub fn is_allowed(&self)->bool{true} pub fn merge(&mut self, _o: Self, _f: &str){} }
impl SecurityManager { pub fn validate(&self,_c:&str,_l:crate::Language)->SecurityResult{SecurityResult} }
