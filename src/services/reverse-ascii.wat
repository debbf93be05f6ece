;; Reverses ASCII text where it lies, sixteen bytes at a time. `npm run wasm` makes reverse-ascii-module.ts of this.
(module
  (memory (import "heddle" "memory") 1)

  ;; Reverses $length bytes from $left on and returns 1; leaves them as they are and returns 0 if one of them is not ASCII.
  ;; Reads up to fifteen bytes behind them. One function: a call of another one costs as much as the rest.
  (func (export "reverse") (param $left i32) (param $length i32) (result i32)
    (local $right i32)
    (local $at i32)
    (local $byte i32)
    (local $bytes v128)
    (local.set $right (i32.add (local.get $left) (local.get $length)))

    (if (i32.lt_s (local.get $length) (i32.const 16))
      (then
        ;; A bit for each byte that is not ASCII, without those that lie behind $right.
        (if (i32.and
              (i8x16.bitmask (v128.load (local.get $left)))
              (i32.sub (i32.shl (i32.const 1) (local.get $length)) (i32.const 1)))
          (then (return (i32.const 0)))))
      (else
        ;; The last sixteen bytes may be among those that the loop looks at.
        (local.set $bytes (v128.load (i32.sub (local.get $right) (i32.const 16))))
        (local.set $at (local.get $left))
        (loop $next
          (local.set $bytes (v128.or (local.get $bytes) (v128.load (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $next (i32.le_s (local.get $at) (i32.sub (local.get $right) (i32.const 16)))))
        (if (i8x16.bitmask (local.get $bytes))
          (then (return (i32.const 0))))))

    ;; From both ends. With 16 to 31 bytes left the two sixteens overlap; both are read before one is written.
    (block $few
      (loop $next
        (br_if $few (i32.lt_s (i32.sub (local.get $right) (local.get $left)) (i32.const 16)))
        (local.set $right (i32.sub (local.get $right) (i32.const 16)))
        (local.set $bytes (v128.load (local.get $left)))
        (v128.store (local.get $left) (i8x16.swizzle (v128.load (local.get $right))
          (v128.const i8x16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0)))
        (v128.store (local.get $right) (i8x16.swizzle (local.get $bytes)
          (v128.const i8x16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0)))
        (local.set $left (i32.add (local.get $left) (i32.const 16)))
        (br $next)))
    (block $done
      (loop $next
        (local.set $right (i32.sub (local.get $right) (i32.const 1)))
        (br_if $done (i32.ge_s (local.get $left) (local.get $right)))
        (local.set $byte (i32.load8_u (local.get $left)))
        (i32.store8 (local.get $left) (i32.load8_u (local.get $right)))
        (i32.store8 (local.get $right) (local.get $byte))
        (local.set $left (i32.add (local.get $left) (i32.const 1)))
        (br $next)))
    (i32.const 1)))
