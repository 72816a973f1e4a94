//! Files: what goes in, what comes out, and what stays within.

use super::{engine, output, python, run};
use bailiwick::{EngineErrorKind, ExecutionContext, Language};

#[test]
fn files_go_in_and_artifacts_come_out() {
    let context = ExecutionContext::new().file("in/data.txt", "abc").collect_artifacts(true);
    let code = "import os\nos.makedirs('out/deep')\nopen('out/deep/r.bin', 'wb').write(open('in/data.txt', 'rb').read()[::-1])\nopen('/tmp/scratch', 'w').write('x')";
    let result = run(Language::Python, code, &context);
    output(&result);
    let found: Vec<_> = result.artifacts.iter().map(|a| (a.path.as_str(), a.bytes.as_slice())).collect();
    assert_eq!(found, [("in/data.txt", &b"abc"[..]), ("out/deep/r.bin", &b"cba"[..])]);
    assert!(python("open('f', 'w').write('x')").artifacts.is_empty(), "nobody asked");
}

#[test]
fn a_path_that_leads_out_is_refused() {
    for path in ["../x", "/etc/x", "a/../../x", "a//b", "", ".", "a\0b", "a\\b"] {
        let context = ExecutionContext::new().file(path, "x");
        let error = engine().execute_blocking("1", Language::Python, &context).unwrap_err();
        assert!(matches!(error.kind, EngineErrorKind::Request(_)), "{path:?}: {error}");
    }
    let context = ExecutionContext::new().file("a/b..c/.d", "x");
    assert_eq!(output(&run(Language::Python, "print(open('a/b..c/.d').read())", &context)), "x\n");
}

#[test]
fn a_link_leads_nowhere_but_inside() {
    let code = "import os\nos.symlink('/etc/passwd', 'a')\nos.symlink('../../../etc/passwd', 'b')\nos.symlink('/workspace/real', 'c')\nopen('real', 'w').write('r')\n\
        for n in 'ab':\n try: open(n)\n except FileNotFoundError: print('nothing')\nprint(open('c').read(), os.readlink('a'))\n\
        os.symlink('loop', 'loop')\ntry: open('loop')\nexcept OSError as e: print('loop')";
    let result = run(Language::Python, code, &ExecutionContext::new().collect_artifacts(true));
    assert_eq!(output(&result), "nothing\nnothing\nr /etc/passwd\nloop\n");
    let paths: Vec<_> = result.artifacts.iter().map(|a| a.path.as_str()).collect();
    assert_eq!(paths, ["real"], "links are not artifacts");
}

#[test]
fn the_file_system_behaves() {
    let code = r#"
import os, errno, shutil, pathlib
def fails(f, *a):
    try: f(*a)
    except OSError as e: return errno.errorcode[e.errno]
    return 'succeeded'
os.mkdir('d'); open('d/f', 'w').write('hello')
print(fails(os.mkdir, 'd'), fails(os.rmdir, 'd'), fails(os.unlink, 'd'), fails(os.rmdir, 'd/f'), fails(open, 'd'), fails(open, 'd/f/g'))
os.rename('d/f', 'd/g'); os.link('d/g', 'h'); print(os.stat('h').st_nlink, open('h').read())
open('h', 'a').write('!'); print(open('d/g').read(), os.path.getsize('h'))
print(fails(os.rename, 'd', 'd/sub'), fails(os.rename, 'nothing', 'x'))
f = open('h', 'r+'); f.seek(2); f.write('XX'); f.close(); print(open('h').read())
f = open('h', 'rb'); f.seek(-3, 2); print(f.read()); f.close()
os.truncate('h', 3); print(open('h').read(), os.path.getsize('d/g'))
f = open('gone', 'w+'); f.write('still'); os.unlink('gone'); f.seek(0); print(f.read(), os.path.exists('gone')); f.close()
os.utime('h', (1, 2)); print(os.stat('h').st_mtime, os.stat('h').st_atime)
for i in range(300): pathlib.Path(f'd/n{i:03}').touch()
print(len(os.listdir('d')), sorted(os.listdir('d'))[:2], sum(1 for _ in os.scandir('d')))
os.chdir('d'); print(os.getcwd(), os.path.exists('n000')); os.chdir('..')
print([e.name for e in os.scandir('.') if e.is_dir()])
shutil.copytree('d', 'e'); shutil.rmtree('d'); print(os.path.exists('d'), len(os.listdir('e')))
os.replace('e/g', 'h'); print(sorted(os.listdir('.')))
print(fails(open, 'x' * 300, 'w'), fails(open, '/'.join(['y'] * 3000)), fails(open, 'h/', 'r'))
"#;
    let expected = "\
EEXIST ENOTEMPTY EISDIR ENOTDIR EISDIR ENOTDIR
2 hello
hello! 6
EINVAL ENOENT
heXXo!
b'Xo!'
heX 3
still False
2.0 1.0
301 ['g', 'n000'] 301
/workspace/d True
['d']
False 301
['e', 'h']
ENAMETOOLONG ENAMETOOLONG ENOTDIR
";
    assert_eq!(output(&python(code)), expected);
}

#[test]
fn an_input_file_beyond_the_disk_limit_is_an_error() {
    use bailiwick::LimitOverrides;
    use bailiwick::limits::ByteSize;
    let limits = LimitOverrides::new().disk(ByteSize::from_mb(1));
    let context = ExecutionContext::new().limits(limits).file("big", vec![0; 2 << 20]);
    let error = engine().execute_blocking("1", Language::Python, &context).unwrap_err();
    assert!(error.to_string().contains("`big` does not fit the disk limit"), "{error}");
}
