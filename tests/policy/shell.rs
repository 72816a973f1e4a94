//! Shell: what must be seen through, and what must be left alone.
use super::{allowed, denied, warned};
use bailiwick::Language::Shell;

#[test]
fn commands_are_seen_however_they_are_written() {
    denied(
        Shell,
        &[
            ("rm -rf x", "sh-command-rm@1:1"),
            ("r''m x", "sh-command-rm@1:1"),
            ("\"rm\" x", "sh-command-rm@1:1"),
            ("\\rm x", "sh-command-rm@1:1"),
            ("r\\m x", "sh-command-rm@1:1"),
            ("r\\\nm x", "sh-command-rm@1:1"),
            ("$'rm' x", "sh-command-rm@1:1"),
            ("$'\\x72\\155' x", "sh-command-rm@1:1"),
            ("$'\\u0072m' x", "sh-command-rm@1:1"),
            ("/bin/rm x", "sh-command-rm@1:1"),
            ("$HOME/rm x", "sh-command-rm@1:1"),
            ("a=r b=m; $a$b x", "sh-command-rm@1:10"),
            ("c='rm -rf'; $c x", "sh-command-rm@1:13"),
            ("export c=rm; ${c} x", "sh-command-rm@1:14"),
            ("X=1 rm x", "sh-command-rm@1:5"),
            ("command rm x", "sh-command-rm@1:9"),
            ("builtin command rm x", "sh-command-rm@1:17"),
            ("exec -a x rm y", "sh-command-rm@1:11"),
            ("env rm x", "sh-command-rm@1:5"),
            ("env -i A=1 -u B rm x", "sh-command-rm@1:17"),
            ("env -S 'rm x'", "sh-command-rm@1:5"),
            ("ls | xargs rm", "sh-command-rm@1:12"),
            ("ls | xargs -n 1 -I {} rm {}", "sh-command-rm@1:23"),
            ("nohup rm x &", "sh-command-rm@1:7"),
            ("time -p rm x", "sh-command-rm@1:9"),
            ("nice -n 5 rm x", "sh-command-rm@1:11"),
            ("timeout -k 1 5 rm x", "sh-command-rm@1:16"),
            ("busybox rm x", "sh-command-rm@1:9"),
            ("sudo ls", "sh-command-sudo@1:1"),
            ("sudo rm x", "sh-command-rm@1:6"),
            ("find . -exec rm {} \\;", "sh-command-rm@1:14"),
            ("find . -execdir chmod 777 {} +", "sh-command-chmod@1:17"),
            ("sh -c 'rm x'", "sh-command-rm@1:7"),
            ("bash -ec \"sh -c 'rm x'\"", "sh-command-rm@1:10"),
            ("eval 'rm x'", "sh-command-rm@1:1"),
            ("eval \"r\"'m x'", "sh-command-rm@1:1"),
        ],
    );
    denied(
        Shell,
        &[
            ("trap 'rm x' EXIT", "sh-command-rm@1:6"),
            ("alias ll='rm x'", "sh-command-rm@1:7"),
            ("echo $(rm x)", "sh-command-rm@1:8"),
            ("echo \"a $(rm x) b\"", "sh-command-rm@1:11"),
            ("echo `rm x`", "sh-command-rm@1:6"),
            ("echo \"`rm x`\"", "sh-command-rm@1:7"),
            ("echo ${x:-$(rm y)}", "sh-command-rm@1:13"),
            ("echo $(( $(rm x) + 1 ))", "sh-command-rm@1:12"),
            ("echo $((rm x) )", "sh-command-rm@1:9"),
            ("x=$(rm y)", "sh-command-rm@1:5"),
            ("a=(x $(rm y))", "sh-command-rm@1:8"),
            ("cat <(rm x)", "sh-command-rm@1:7"),
            ("cat <<EOF\n$(rm x)\nEOF", "sh-command-rm@2:3"),
            ("sh <<'EOF'\nrm x\nEOF", "sh-command-rm@2:1"),
            ("bash <<< 'rm x'", "sh-command-rm@1:10"),
            ("cat <<EOF\nx\nEOF\nrm x", "sh-command-rm@4:1"),
            ("cat <<-\tA <<B\nx\n\tA\ny\nB\nrm x", "sh-command-rm@6:1"),
            ("true; rm x", "sh-command-rm@1:7"),
            ("true && rm x", "sh-command-rm@1:9"),
            ("true || rm x", "sh-command-rm@1:9"),
            ("true & rm x", "sh-command-rm@1:8"),
            ("(rm x)", "sh-command-rm@1:2"),
            ("{ rm x; }", "sh-command-rm@1:3"),
            ("! rm x", "sh-command-rm@1:3"),
            ("if rm x; then rm y; else rm z; fi", "sh-command-rm@1:26"),
            ("while true; do rm x; done", "sh-command-rm@1:16"),
            ("for f in *; do rm $f; done", "sh-command-rm@1:16"),
            ("for ((i=0; i<3; i++)); do rm x; done", "sh-command-rm@1:27"),
            ("case x in a|b) rm x;; *) ls;; esac", "sh-command-rm@1:16"),
            ("case x in (a) ls;; esac; rm x", "sh-command-rm@1:26"),
            ("f() { rm x; }", "sh-command-rm@1:7"),
            ("function f { rm x; }", "sh-command-rm@1:14"),
            ("[[ -f x ]] && rm x", "sh-command-rm@1:15"),
            ("[ -f x ] && rm x", "sh-command-rm@1:13"),
            ("echo a # b\nrm x", "sh-command-rm@2:1"),
            ("echo a#b; rm x", "sh-command-rm@1:11"),
            ("2>&1 rm x", "sh-command-rm@1:6"),
            ("> out rm x", "sh-command-rm@1:7"),
            ("echo x |\n rm y", "sh-command-rm@2:2"),
            ("chown a b", "sh-command-chown@1:1"),
            ("curl http://x", "sh-curl@1:1"),
            ("c\"ur\"l http://x", "sh-curl@1:1"),
            ("wget -q x", "sh-wget@1:1"),
            ("xargs -a f wget", "sh-wget@1:12"),
        ],
    );
    allowed(
        Shell,
        &[
            "ls -la; echo hello",
            "echo 'rm -rf /'",
            "echo \"please do not rm it\"",
            "# rm -rf /",
            "echo hi # rm x",
            "grep rm file.txt",
            "command -v rm",
            "rmx y; ls rm",
            "format=rm; echo $format",
            "cat <<'EOF'\nrm x\n$(rm y)\nEOF",
            "echo 'curl is nice' curly",
            "case $x in rm) echo y;; esac",
            "a=(rm x); echo \"${a[0]}\"",
            "for f in rm mv; do echo $f; done",
            "if [ \"$x\" = rm ]; then echo; fi",
            "[[ $x == rm && -f y ]] && ls",
            "x=$((1 + 2)); echo $x",
            "f() { echo hi; }; f",
            "ls | sort | uniq -c | head -n 3",
            "echo a\\ rm",
        ],
    );
}

#[test]
fn what_cannot_be_told_is_opaque() {
    denied(
        Shell,
        &[
            ("$x y", "sh-opaque-command@1:1"),
            ("$(echo rm) x", "sh-opaque-command@1:1"),
            ("`echo rm` x", "sh-opaque-command@1:1"),
            ("r$@m x", "sh-opaque-command@1:1"),
            ("r?m x", "sh-opaque-command@1:1"),
            ("/bin/r* x", "sh-opaque-command@1:1"),
            ("{rm,x}", "sh-opaque-command@1:1"),
            ("read c; c=1; $c x", "sh-opaque-command@1:14"),
            ("a=ls; a=rm; $a x", "sh-opaque-command@1:13"),
            ("a=${b:-rm}; $a x", "sh-opaque-command@1:13"),
            ("for c in rm; do $c x; done", "sh-opaque-command@1:17"),
            ("IFS=x; a=rmxy; $a", "sh-opaque-command@1:16"),
            ("eval \"$x\"", "sh-opaque-command@1:1"),
            ("sh -c \"$x\"", "sh-opaque-command@1:7"),
            ("echo rm x | xargs -I{} {} y", "sh-opaque-command@1:24"),
            ("echo rm x | xargs env", "sh-opaque-command@1:19"),
            ("echo cm0geA== | base64 -d | sh", "sh-pipe-to-shell@1:29"),
            ("echo x | bash -s", "sh-pipe-to-shell@1:10"),
            ("echo x | (cat | sh)", "sh-pipe-to-shell@1:17"),
            ("echo x | (sh)", "sh-pipe-to-shell@1:11"),
            ("echo x | { sh; }", "sh-pipe-to-shell@1:12"),
            ("echo x | if true; then sh; fi", "sh-pipe-to-shell@1:24"),
            ("f() { sh; }; echo rm x | f", "sh-pipe-to-shell@1:7"),
            ("echo x | env sh", "sh-pipe-to-shell@1:14"),
            ("sh < file", "sh-pipe-to-shell@1:1"),
            ("bash <(echo rm)", "sh-pipe-to-shell@1:1"),
            (". /dev/stdin", "sh-pipe-to-shell@1:1"),
            ("echo x | python3", "sh-pipe-to-shell@1:10"),
        ],
    );
    warned(
        Shell,
        &[
            ("./configure", "sh-local-program@1:1"),
            ("sh build.sh", "sh-local-program@1:1"),
            (". venv/activate", "sh-local-program@1:1"),
            ("python3 x.py", "sh-interpreter@1:1"),
        ],
    );
    allowed(
        Shell,
        &["x=ls; $x -l", "echo $x ${y:-z} $(date)", "sh -c 'ls'", "eval 'ls -l'", "bash --version"],
    );
}

#[test]
fn redirections_are_seen() {
    denied(
        Shell,
        &[
            ("echo x >/dev/sda", "sh-write-device@1:9"),
            ("echo x > /dev/sda", "sh-write-device@1:10"),
            ("echo x >> '/dev/sda'", "sh-write-device@1:11"),
            ("echo x >| /dev/sda", "sh-write-device@1:11"),
            ("echo x &> /dev/sda", "sh-write-device@1:11"),
            ("echo x 3<> /dev/sda", "sh-write-device@1:12"),
            ("echo x > //dev/./sda", "sh-write-device@1:10"),
            ("echo x > /tmp/../dev/sda", "sh-write-device@1:10"),
            ("echo x > /dev/null/../sda", "sh-write-device@1:10"),
            ("d=/dev/sda; echo x > $d", "sh-write-device@1:22"),
            ("{ echo x; } > /dev/sda", "sh-write-device@1:15"),
            ("(echo x) > /dev/sda", "sh-write-device@1:12"),
            ("echo x > /dev/nullx", "sh-write-device@1:10"),
            ("echo x > /dev/tcp/1.2.3.4/80", "sh-write-device@1:10"),
            ("cat < /dev/tcp/1.2.3.4/80", "sh-device@1:7"),
            ("echo x | tee /dev/sda", "sh-device@1:10"),
        ],
    );
    allowed(
        Shell,
        &[
            "ls 2>/dev/null",
            "ls > /dev/null 2>&1",
            "echo x >&2; echo y > /dev/stderr",
            "echo '>/dev/sda'",
            "ls &>/dev/null",
            "cat < input > output",
        ],
    );
}

#[test]
fn broken_scripts_are_not_passed() {
    denied(
        Shell,
        &[
            ("echo 'x", "syntax-error@1:6"),
            ("echo \"x", "syntax-error@1:6"),
            ("echo $(ls", "syntax-error@1:6"),
            ("echo ${x", "syntax-error@1:7"),
            ("echo `ls", "syntax-error@1:6"),
            ("(ls", "syntax-error@1:1"),
            ("ls)", "syntax-error@1:3"),
            ("cat <<EOF\nx", "syntax-error@1:10"),
            ("ls\0 x", "null-byte@1:3"),
        ],
    );
}
