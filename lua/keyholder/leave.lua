--[[ keyholder/leave
Note that a process is gone.

KEYS   holders     sorted set: processes and the ids of their keys, by when they were last here
ARGV   holder      as keyholder/join noted it: the process and the ids of its keys, separated by blanks
REPLY  status
       0 LEFT
       1 ABSENT    it was not noted, or has been gone for long
REPEAT safe
DURABLE no         it is forgotten by itself
]]
local holders = KEYS[1]
local holder = ARGV[1]

return {redis.call('ZREM', holders, holder) == 1 and 0 or 1}
