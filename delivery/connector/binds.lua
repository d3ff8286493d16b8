-- How many connections of an account a worker may hold: its fair part of what the account allows, as far as the others
-- have given up what they had beyond theirs. On the clock of Redis.
--
-- KEYS[1] = a hash of worker → "leased until (µs) held wants connections", and "" → since when it is there (µs).
-- KEYS[2] = when a connection was last up (µs).
-- ARGV = worker, connections that the account allows, that the worker has open, 1 if it wants any, microseconds of the
-- lease, microseconds for which a hash that is new gives nobody more than they have, 1 if one is up, milliseconds for
-- which that is remembered, the connections as JSON.
-- Returns how many it may hold.
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local worker, most, open, wants = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local lasting, settling = tonumber(ARGV[5]), tonumber(ARGV[6])

local rivals, others, mine, since = {}, 0, 0, now
local entries = redis.call('HGETALL', KEYS[1])
for n = 1, #entries, 2 do
  local name, entry = entries[n], entries[n + 1]
  if name == '' then
    since = tonumber(entry)
  else
    local ends, held, wanting = string.match(entry, '^(%d+) (%d+) (%d) ')
    if tonumber(ends) <= now then
      redis.call('HDEL', KEYS[1], name)
    elseif name == worker then
      mine = tonumber(held)
    else
      others = others + tonumber(held)
      if wanting == '1' then
        rivals[#rivals + 1] = {name, tonumber(held)}
      end
    end
  end
end

-- What does not divide evenly stays with those who have most already, that nothing moves without need.
local share = 0
if wants == 1 then
  local workers, before = #rivals + 1, 0
  for _, rival in ipairs(rivals) do
    if rival[2] > mine or (rival[2] == mine and rival[1] < worker) then
      before = before + 1
    end
  end
  share = math.floor(most / workers) + (before < most % workers and 1 or 0)
end
local granted = math.max(0, math.min(share, most - others))
-- After Redis has lost its memory the others may have theirs still, and say so within a second.
if now - since < settling then
  granted = math.min(granted, open)
end

local held = math.max(granted, open)
redis.call('HSET', KEYS[1], '', string.format('%.0f', since), worker,
  string.format('%.0f %d %d ', now + lasting, held, wants) .. ARGV[9])
redis.call('PEXPIRE', KEYS[1], math.ceil(lasting / 1000))
if ARGV[7] == '1' then
  redis.call('SET', KEYS[2], string.format('%.0f', now), 'PX', ARGV[8])
end
return granted
