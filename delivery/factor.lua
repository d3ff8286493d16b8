-- How far a limit is slowed just now, 1 for not at all. A state is "factor at the last cut, when (µs), since when (µs),
-- code"; between cuts it recovers by itself, a step at a time. FLOOR, STEP, STEP_US and APART_US come before this.
local function factor(state, now)
  if not state then
    return 1
  end
  local cut, at = string.match(state, '^(%S+) (%S+)')
  return math.min(1, tonumber(cut) + STEP * math.floor(math.max(0, now - tonumber(at)) / STEP_US))
end
