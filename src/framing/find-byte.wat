;; Finds a byte in the memory that reads go to, sixteen at a time. `npm run wasm` makes find-byte-module.ts of this.
(module
  (memory (import "heddle" "memory") 1)

  ;; The address of the first $byte in [$from, $to), or -1. Looks at up to fifteen bytes behind $to.
  (func (export "find") (param $byte i32) (param $from i32) (param $to i32) (result i32)
    (local $wanted v128)
    (local $found i32) ;; A bit for each of sixteen bytes; then the address of the first.
    (local.set $wanted (i8x16.splat (local.get $byte)))
    (block $none
      (loop $next
        (br_if $none (i32.ge_s (local.get $from) (local.get $to)))
        (local.set $found (i8x16.bitmask (i8x16.eq (v128.load (local.get $from)) (local.get $wanted))))
        (if (local.get $found)
          (then
            (local.set $found (i32.add (local.get $from) (i32.ctz (local.get $found))))
            (br_if $none (i32.ge_s (local.get $found) (local.get $to)))
            (return (local.get $found))))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (br $next)))
    (i32.const -1)))
