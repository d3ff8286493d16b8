-- Leave to send: tokens from several buckets and a share of the open requests, all at once, on the clock of Redis.
-- Preceded by factor.lua.
--
-- KEYS[1] = shares of open requests, a hash of worker → "requests, held until (µs)". KEYS[2] = what is slowed.
-- KEYS[3] is the account's bucket, the further ones are senders', campaigns' and countries'. A bucket is a hash
-- {t: tokens, at: microseconds}.
-- ARGV = worker, its open requests, messages that it holds for further ones, how many more than it may open it may
-- hold, requests that may be open in all (0: as many as you like), microseconds for which a share is held, number of
-- demands, number of groups; then per bucket: name, rate per second, capacity, 1 if the urgent have a reserve in it, 1
-- if somebody more urgent waits for its tokens; then per demand: segments wanted, segments of the smallest piece that
-- makes sense, share of the buckets and of the requests to leave to the urgent, its group, how many buckets beside the
-- account's it asks, and their indexes.
-- A negative want gives back what was taken and not used. No demand at all: the worker renews its share, as what it has
-- open now, or with no group either as it was, for it may have been granted more than it knows of yet.
-- Returns per demand: segments, messages, and the index of the bucket whose tokens it waits for (0: none); and at last
-- the microseconds until more can be had (0: nothing was refused), and the requests that the worker may have open: for
-- what is urgent, and for the rest.
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local SLACK = 0.000001

local worker, open, ready, ahead = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local most, lasting = tonumber(ARGV[5]), tonumber(ARGV[6])
local demands, groups = tonumber(ARGV[7]), tonumber(ARGV[8])
local buckets, at = #KEYS - 2, 8

local states = {}
if redis.call('EXISTS', KEYS[2]) == 1 then
  local names = {'requests'}
  for i = 1, buckets do
    names[i + 1] = ARGV[at + 5 * i - 4]
  end
  states = redis.call('HMGET', KEYS[2], unpack(names))
end

local tokens, rate, capacity, reserved, blocked, touched = {}, {}, {}, {}, {}, {}
for i = 1, buckets do
  local slow = factor(states[i + 1], now)
  rate[i] = tonumber(ARGV[at + 2]) * slow
  capacity[i] = math.max(1, tonumber(ARGV[at + 3]) * slow)
  reserved[i], blocked[i] = tonumber(ARGV[at + 4]), ARGV[at + 5] == '1'
  at = at + 5
  local state = redis.call('HMGET', KEYS[i + 2], 't', 'at')
  if state[1] then
    local elapsed = math.max(0, now - tonumber(state[2]))
    tokens[i] = math.min(capacity[i], tonumber(state[1]) + elapsed * rate[i] / 1000000)
  else
    tokens[i] = capacity[i]
  end
end

-- What the others hold is theirs until it ends, whether they use it or are dead.
local others, workers = 0, 1
if most > 0 then
  most = math.max(1, math.floor(most * factor(states[1], now)))
  local shares = redis.call('HGETALL', KEYS[1])
  for n = 1, #shares, 2 do
    local held, ends = string.match(shares[n + 1], '^(%d+) (%d+)$')
    if tonumber(ends) <= now then
      redis.call('HDEL', KEYS[1], shares[n])
    elseif shares[n] ~= worker then
      others, workers = others + tonumber(held), workers + 1
    elseif demands + groups == 0 then
      open = math.max(open, tonumber(held))
    end
  end
end

-- How many requests this worker may have open: what the others leave, and of a backlog no more than its equal part.
local function part(reserve)
  if most == 0 then
    return math.huge
  end
  local kept = most > 1 and math.ceil(most * reserve) or 0
  return math.min(most - kept - others, math.ceil((most - kept) / workers))
end

-- And how many more messages it may hold, for these and a few to go on with.
local holds = open + ready
local function room(reserve)
  return part(reserve) + ahead - holds
end

local wanted, least, reserve, group, asked = {}, {}, {}, {}, {}
local segments, messages, short, refused = {}, {}, {}, {}
for d = 1, demands do
  wanted[d], least[d], reserve[d] = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  group[d], asked[d] = tonumber(ARGV[at + 4]), {1}
  for n = 1, tonumber(ARGV[at + 5]) do
    asked[d][n + 1] = tonumber(ARGV[at + 5 + n])
  end
  at = at + 4 + #asked[d]
  segments[d], messages[d], short[d] = 0, 0, 0
  if wanted[d] < 0 then
    segments[d] = wanted[d]
    for _, i in ipairs(asked[d]) do
      tokens[i], touched[i] = math.min(capacity[i], tokens[i] - wanted[d]), true
    end
  end
end

-- First each group its equal part of what the account has, at least a message; then the rest to whoever asks first.
-- Who waits for the tokens of a bucket is not overtaken there: they are to gather until it can go.
local wait = 0
local fair, fair_requests = {}, {}
for d = 1, demands do
  local g = group[d]
  fair[g] = fair[g] or math.floor(math.max(0, tokens[1] - reserve[d] * capacity[1]) / groups)
  fair_requests[g] = fair_requests[g] or math.max(1, math.floor(math.max(0, room(reserve[d])) / groups))
end
local served = {}
for pass = 1, 2 do
  for d = 1, demands do
    local g = group[d]
    local more, need = wanted[d] - segments[d], segments[d] == 0 and least[d] or 1
    local requests = room(reserve[d])
    if pass == 1 then
      more = math.min(more, math.max(fair[g], served[g] and 0 or need))
      requests = math.min(requests, fair_requests[g])
    end
    more = math.min(more, requests + need - 1)
    if more >= need and requests >= 1 and not refused[d] then
      local granted, delay, waits_for = more, 0, 0
      for _, i in ipairs(asked[d]) do
        -- A piece larger than the bucket goes when the bucket is full, and leaves it in debt.
        local kept = reserved[i] * reserve[d] * capacity[i]
        local free = tokens[i] - kept
        local needed = math.min(need, capacity[i] - kept)
        if blocked[i] then
          granted = 0
        elseif free + SLACK < needed then
          granted = 0
          local missing = (needed - free) * 1000000 / rate[i]
          if missing > delay then
            delay, waits_for = missing, i
          end
        else
          granted = math.min(granted, math.max(need, math.floor(free + SLACK)))
        end
      end
      if granted > 0 then
        for _, i in ipairs(asked[d]) do
          tokens[i], touched[i] = tokens[i] - granted, true
        end
        local opened = granted - need + 1
        segments[d], messages[d], holds = segments[d] + granted, messages[d] + opened, holds + opened
        fair[g], fair_requests[g], served[g] = fair[g] - granted, fair_requests[g] - opened, true
      elseif segments[d] == 0 then
        refused[d] = true
        if delay > 0 and (wait == 0 or delay < wait) then
          wait = delay
        end
        if waits_for > 0 then
          short[d], blocked[waits_for] = waits_for, true
        end
      end
    end
  end
end

for i = 1, buckets do
  if touched[i] then
    -- Exact enough, and kept long enough, for one message in a day: a forgotten bucket is a full one.
    redis.call('HSET', KEYS[i + 2], 't', string.format('%.12f', tokens[i]), 'at', string.format('%.0f', now))
    redis.call('PEXPIRE', KEYS[i + 2], 60000 + math.ceil(1000 * (capacity[i] - tokens[i]) / rate[i]))
  end
end
if most > 0 then
  local share = math.max(open, math.min(holds, part(0)))
  redis.call('HSET', KEYS[1], worker, string.format('%.0f %.0f', share, now + lasting))
  redis.call('PEXPIRE', KEYS[1], math.ceil(lasting / 1000))
end

local answer = {}
for d = 1, demands do
  answer[3 * d - 2], answer[3 * d - 1], answer[3 * d] = segments[d], messages[d], short[d]
end
answer[3 * demands + 1] = math.ceil(wait)
answer[3 * demands + 2] = most > 0 and part(0) or 0
answer[3 * demands + 3] = most > 0 and part(RESERVED) or 0
return answer
