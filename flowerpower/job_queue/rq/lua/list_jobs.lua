-- The values of `args.fields` and the progress of each of the jobs `args.ids`, in their order. No
-- values: the key of the job is damaged. Reads job, progress.
local answers = {}
for position, id in ipairs(args.ids) do
    local progress = redis.pcall('GET', progress_key(id))
    if type(progress) == 'table' then progress = false end
    answers[position] = {fields(job_key(id), unpack(args.fields)), progress}
end
return answers
