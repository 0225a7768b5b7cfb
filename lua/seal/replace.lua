--[[ seal/replace
Put another sealed value in its place, if what is stored is still what the caller has opened. Nothing else of the
holder changes: neither its version nor its times.

KEYS   holder      hash: what keeps it
ARGV   field
       found       sealed value that was read
       sealed      the same content sealed anew, or another
REPLY  status
       0 REPLACED
       1 STALE     somebody was faster, or it is gone: read again
REPEAT safe        a repeat finds its own seal, changes nothing, and has the caller look again
DURABLE yes
]]
local holder = KEYS[1]
local field, found, sealed = ARGV[1], ARGV[2], ARGV[3]

if redis.call('HGET', holder, field) ~= found then
  return {1}
end
redis.call('HSET', holder, field, sealed)
return {0}
