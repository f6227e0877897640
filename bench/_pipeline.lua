-- Makes wrk send so many requests at a time: wrk -s _pipeline.lua URL -- 16
local batch

function init(args)
  local requests = {}
  for i = 1, tonumber(args[1]) do
    requests[i] = wrk.format()
  end
  batch = table.concat(requests)
end

function request()
  return batch
end
