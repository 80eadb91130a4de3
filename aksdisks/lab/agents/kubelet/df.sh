#!/bin/sh
# df for a container: prints what GNU df prints, with a row of its own for each claim's volume. What a disk is to the
# lab is a directory, so its size is the claim's; used is what stands in it. Every other row is the system's df's.
# The here-document holds the claims, one a line, put in by disk_sizes.py: device, type, bytes and mount path.
# Options that are not known here are left to the system's df, which refuses or obeys them.
for real in /usr/bin/df /bin/df; do [ -x "$real" ] && break; done
unit=1024 label=1K suffix='' base=0 mode=default type=0 total=0 fields='' only='' without='' flags=''
tab=$(printf '\t')

size() { # of a block: a number, a letter, or both
    number=${1%%[!0-9]*} letter=${1#"${1%%[!0-9]*}"} step=1024 base=0 suffix='' label=$1
    case $letter in *iB) letter=${letter%iB} ;; ?*B) letter=${letter%B} step=1000 ;; esac
    case $letter in '') power=0 ;; [kK]) power=1 ;; M) power=2 ;; G) power=3 ;; T) power=4 ;; P) power=5 ;; *) return 1 ;; esac
    [ -n "$number$letter" ] && [ "$number" != 0 ] || return 1
    [ -n "$number" ] || suffix=$1 label=1$1
    unit=${number:-1}
    while [ $power -gt 0 ]; do unit=$((unit * step)) power=$((power - 1)); done
    [ "$letter" ] || label=${unit}B
    case $label in 1024B | 1k) label=1K ;; esac
    return 0
}

option() { # a letter and its value; fails for one that is left to the system's df
    case $1 in
        a | l) flags="$flags -$1" ;;
        h) base=1024 ;;
        H) base=1000 ;;
        k) unit=1024 label=1K base=0 ;;
        m) unit=1048576 label=1M base=0 ;;
        i) mode=inodes ;;
        P) [ $mode = inodes ] || mode=posix ;;
        T) type=1 ;;
        B) size "$2" ;;
        t) only="$only $2" ;;
        x) without="$without $2" ;;
        v) ;;
        *) return 1 ;;
    esac
}

system() { exec "$real" "$@"; }

scan() { # the arguments: sets the options, and leaves the operands to `files`
    operands=0
    while [ $# -gt 0 ]; do
        word=$1
        shift
        case $word in
            --) operands=$((operands + $#)); break ;;
            --output) fields=source,fstype,itotal,iused,iavail,ipcent,size,used,avail,pcent,file,target ;;
            --output=*) fields=${fields:+$fields,}${word#*=} ;;
            --human-readable) option h ;;
            --si) option H ;;
            --all | --local | --inodes | --portability) letter=${word#--}; option "${letter%"${letter#?}"}" || return ;;
            --print-type) option T ;;
            --total) total=1 ;;
            --sync | --no-sync) ;;
            --block-size=*) option B "${word#*=}" || return ;;
            --type=*) option t "${word#*=}" ;;
            --exclude-type=*) option x "${word#*=}" ;;
            --*) return 1 ;;
            -?*)
                letters=${word#-}
                while [ -n "$letters" ]; do
                    letter=${letters%"${letters#?}"} letters=${letters#?} value=''
                    case $letter in
                        [Btx])
                            value=$letters letters=''
                            [ -n "$value" ] || { [ $# -gt 0 ] || return 1; value=$1; shift; }
                            ;;
                    esac
                    option "$letter" "$value" || return
                done
                ;;
            *) operands=$((operands + 1)) ;;
        esac
    done
}

claims() {
    cat <<'CLAIMS'
@CLAIMS@
CLAIMS
}

used() { # kibibytes and files below a directory
    printf '%s\t%s' "$(($(du -skx -- "$1" 2>/dev/null | cut -f1) + 0))" "$(($(find "$1" -xdev 2>/dev/null | wc -l) + 0))"
}

ours() { # the rows of the claims; with a path, that of the volume in which it lies
    claims | while IFS="$tab" read -r device fstype bytes path; do
        [ -n "$path" ] || continue
        whole=$(readlink -f -- "$path")
        [ $# = 0 ] || case $1/ in "$whole"/*) ;; *) continue ;; esac
        # A mount of a part shows the whole volume, which stands where confine.py put it.
        case $whole in /.volumes/*) whole=${whole#/.volumes/} whole=/.volumes/${whole%%/*} ;; esac
        printf 'ours\t%s\t%s\t%s\t%s\t%s\t%s\n' "${2:--}" "$device" "$fstype" "$bytes" "$(used "$whole")" "$path"
    done
}

columns=source,fstype,itotal,iused,iavail,size,used,avail,target
# shellcheck disable=SC2086 - flags are words
theirs() { found=$(LC_ALL=C "$real" $flags -B1 --output=$columns "$@") && printf '%s\n' "$found" | sed 1d; }

rows() {
    if [ $operands = 0 ]; then
        claims | while IFS="$tab" read -r _ _ _ path; do printf 'hidden\t%s\n' "$path"; done
        theirs | sed "s/^/theirs$tab-$tab/"
        ours
        return
    fi
    failed=0
    while [ $# -gt 0 ]; do
        word=$1
        shift
        case $word in
            --) for file; do one "$file" || failed=1; done; break ;;
            --*) ;;
            -*[Btx]?*) ;;
            -*[Btx]) shift ;;
            -?*) ;;
            *) one "$word" || failed=1 ;;
        esac
    done
    [ $failed = 0 ] || echo failed
}

one() { # the row of the file system in which a path lies
    [ -e "$1" ] || { echo "df: $1: No such file or directory" >&2; return 1; }
    row=$(ours "$(readlink -f -- "$1")" "$1")
    [ -z "$row" ] || { printf '%s\n' "$row"; return; }
    row=$(theirs -- "$1") && printf 'theirs\t%s\t%s\n' "$1" "$row"
}

[ -z "$(claims)" ] && system "$@"
command -v awk >/dev/null || system "$@"
scan "$@" || system "$@"
for field in $(echo "$fields" | tr , ' '); do
    case ,source,fstype,itotal,iused,iavail,ipcent,size,used,avail,pcent,file,target, in *",$field,"*) ;; *) system "$@" ;; esac
done
if [ -n "$fields" ]; then
    [ $type = 0 ] && [ $mode = default ] || system "$@"
    mode=output
fi
[ $base = 0 ] || [ $mode = inodes ] || mode=human
rows "$@" | exec awk -F '\t' -v unit="$unit" -v label="$label" -v suffix="$suffix" -v base="$base" -v mode="$mode" \
    -v type="$type" -v total="$total" -v fields="$fields" -v only="$only" -v without="$without" '
function up(value) { return value > int(value) ? int(value) + 1 : int(value) }
function scaled(value, one, letters, power) {
    if (value == "-") return value
    if (!base) return sprintf("%.0f", up(value / one)) (one > 1 || suffix == "" ? suffix : "")
    letters = base == 1000 ? "kMGTPE" : "KMGTPE"
    for (power = 0; value >= base; power++) value /= base
    if (!power) return sprintf("%.0f", value)
    if (value < 10) { value = up(value * 10) / 10; if (value < 10) return sprintf("%.1f", value) substr(letters, power, 1) }
    value = up(value)
    if (value == base) return "1.0" substr(letters, power + 1, 1)
    return sprintf("%.0f", value) substr(letters, power, 1)
}
function counted(value) { return value == "-" ? value : base ? scaled(value, 1) : sprintf("%.0f", value) }
function share(part, rest, whole) {
    if (part == "-" || rest == "-" || part + rest == 0) return "-"
    whole = int(part * 100 / (part + rest))
    return whole + (whole * (part + rest) < part * 100) "%"
}
function listed(names, name) { return index(names " ", " " name " ") }
function add(name, value) { if (value != "-") sum[name] += value }
function put(source, fstype, itotal, iused, ifree, size, used, avail, file, target) {
    n++
    cell[n, "source"] = source; cell[n, "fstype"] = fstype; cell[n, "file"] = file; cell[n, "target"] = target
    cell[n, "itotal"] = counted(itotal); cell[n, "iused"] = counted(iused); cell[n, "iavail"] = counted(ifree)
    cell[n, "ipcent"] = share(iused, ifree); cell[n, "pcent"] = share(used, avail)
    cell[n, "size"] = scaled(size, unit); cell[n, "used"] = scaled(used, unit); cell[n, "avail"] = scaled(avail, unit)
}
function row(source, fstype, itotal, iused, ifree, size, used, avail, file, target) {
    if (only != "" && !listed(only, fstype) || listed(without, fstype)) return
    add("itotal", itotal); add("iused", iused); add("iavail", ifree)
    add("size", size); add("used", used); add("avail", avail)
    put(source, fstype, itotal, iused, ifree, size, used, avail, file, target)
}
$1 == "failed" { bad = 1 }
$1 == "hidden" { hidden[$2] = 1 }
$1 == "theirs" {
    split($3, part, " +")
    target = $3
    for (i = 1; i < 9; i++) sub(/^[^ ]+ +/, "", target)
    if (!(target in hidden) && target !~ "^/\\.(lab|volumes)(/|$)")
        row(part[1], part[2], part[3], part[4], part[5], part[6], part[7], part[8], $2, target)
}
$1 == "ours" {
    taken = $6 * 1024; free = $5 > taken ? $5 - taken : 0; files = int($5 / 16384)
    row($3, $4, files, $7, files > $7 ? files - $7 : 0, $5, taken, free, $2, $8)
}
END {
    if (!n) { if (!bad) print "df: no file systems processed" > "/dev/stderr"; exit 1 }
    if (total) put("total", "-", sum["itotal"], sum["iused"], sum["iavail"], sum["size"], sum["used"], sum["avail"], "-", "-")
    blocks = base ? "Size" : (mode == "posix" ? unit : label) "-blocks"
    title["source"] = "Filesystem"; title["fstype"] = "Type"; title["target"] = "Mounted on"; title["file"] = "File"
    title["itotal"] = "Inodes"; title["iused"] = "IUsed"; title["iavail"] = "IFree"; title["ipcent"] = "IUse%"
    title["size"] = blocks; title["used"] = "Used"; title["avail"] = mode ~ "default|posix" ? "Available" : "Avail"
    title["pcent"] = mode == "posix" ? "Capacity" : "Use%"
    if (fields == "") {
        fields = mode == "inodes" ? "itotal,iused,iavail,ipcent" : "size,used,avail,pcent"
        fields = "source," (type ? "fstype," : "") fields ",target"
    }
    least["source"] = 14; least["fstype"] = least["ipcent"] = least["pcent"] = 4
    least["itotal"] = least["iused"] = least["iavail"] = least["size"] = least["used"] = least["avail"] = 5
    count = split(fields, shown, ",")
    for (c = 1; c <= count; c++) {
        name = shown[c]
        cell[0, name] = title[name]; width = least[name]
        for (r = 0; r <= n; r++) if (length(cell[r, name]) > width) width = length(cell[r, name])
        left = name ~ "source|fstype|target|file"
        for (r = 0; r <= n; r++)
            line[r] = line[r] (c > 1 ? " " : "") (left && c == count ? cell[r, name] : sprintf("%" (left ? "-" : "") width "s", cell[r, name]))
    }
    for (r = 0; r <= n; r++) print line[r]
    exit bad
}'
