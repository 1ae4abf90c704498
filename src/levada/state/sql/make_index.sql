CREATE INDEX IF NOT EXISTS _levada_rounds_ended ON _levada_rounds (lake, pipeline, ended)
