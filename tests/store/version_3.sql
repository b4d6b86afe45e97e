BEGIN TRANSACTION;
CREATE TABLE acceptances (
	model TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	watermark BIGINT, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (model, at), 
	FOREIGN KEY(model) REFERENCES models (name)
)
 WITHOUT ROWID

;
INSERT INTO "acceptances" VALUES('flights',1707782400000000,1707696000000000,'new sensor');
CREATE TABLE alarms (
	model TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	segment TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	closed BIGINT, 
	columns TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	withdrawn BOOLEAN NOT NULL, 
	PRIMARY KEY (model, kind, segment, since), 
	FOREIGN KEY(model) REFERENCES models (name)
)
 WITHOUT ROWID

;
INSERT INTO "alarms" VALUES('flights','covariate','',1707523200000000,1707609600000000,'["temp"]','accepted',0);
INSERT INTO "alarms" VALUES('flights','covariate','',1707609600000000,NULL,'["temp"]','temp moved',0);
CREATE TABLE detector_states (
	model TEXT NOT NULL, 
	stream TEXT NOT NULL, 
	detector TEXT NOT NULL, 
	state BLOB NOT NULL, 
	worse_since BIGINT, 
	PRIMARY KEY (model, stream), 
	FOREIGN KEY(model) REFERENCES models (name)
);
INSERT INTO "detector_states" VALUES('flights','errors','adwin',X'0100FF',1707523200000000);
CREATE TABLE files (
	model TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version TEXT NOT NULL, 
	first BIGINT, 
	last BIGINT, 
	rows BIGINT NOT NULL, 
	behind BIGINT NOT NULL, 
	PRIMARY KEY (model, name), 
	FOREIGN KEY(model) REFERENCES models (name)
)
 WITHOUT ROWID

;
INSERT INTO "files" VALUES('flights','a.csv','size-1',1707523200000000,1707609600000000,720,3);
INSERT INTO "files" VALUES('flights','b.csv','size-1',1707523200000000,1707609600000000,720,3);
CREATE TABLE label_files (
	model TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version TEXT NOT NULL, 
	last BIGINT NOT NULL, 
	PRIMARY KEY (model, name), 
	FOREIGN KEY(model) REFERENCES models (name)
)
 WITHOUT ROWID

;
INSERT INTO "label_files" VALUES('flights','old.parquet','1',1707523200000000);
CREATE TABLE leases (
	model TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	expires DOUBLE NOT NULL, 
	PRIMARY KEY (model)
)
 WITHOUT ROWID

;
CREATE TABLE models (
	name TEXT NOT NULL, 
	PRIMARY KEY (name)
)
 WITHOUT ROWID

;
INSERT INTO "models" VALUES('flights');
CREATE TABLE pending (
	model TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	pending BLOB NOT NULL, 
	PRIMARY KEY (model, "key"), 
	FOREIGN KEY(model) REFERENCES models (name)
);
INSERT INTO "pending" VALUES('flights','2024-02-11T00:00:00Z',X'6472696674642D70656E64696E67780175524D68135110DEB6580F124A6F1E5A5C1EB6A06DE2669354883FF1F750905E1441D7125F765F9A25BBFB92FD695897B0453C281E14BC35A0E8A188871CFCB978A9071105F5E2B122C44B2DB5D863502CCE7BBB4A53F0B13BFB66E69B996F66B66FB15F100254D689A139282F06A8A15B1A6DF0ABE362DB851B9225399B94E4643A7D4192F2FCB98C2645442CADC72DF7BACBBA41C06F7986D104B44D1BACC4145C6BD871088B4D83A252AB6CE8AACB9C32E81A517547A756C4C7C025628027405560061714590058B568C3028B6B7B045447A536AB974EE55816EC3BC5925F542BD85299392BA524B09BD825B68E59CA38AEEEE984B559C686C3F2A8D4F04C5E5D413E9A058B4DB0435925E48B269D07E64DDE10C19A6ECDEDE419F7A9E4583D28CA32CC63C3230CA84829E83929A5323BCEA49823C98C9C65E806B5E36DF8DB8AE621992CBA143E1920C01854743E3505D5885DA6B6C95B651988E3EAAC530867E3074BC43BEE92C53A155CE39402A4F36A4A8E45425C44946B359B68B09A781B1182CF99F7027396590CDF4864F9A7167B13FD5D32DFBAC267E260B3666CD3CB04BB9E1D4F092637DB6C2E87676736C2A78B23CB9F37AE9FB8F870A1BB7467B55EF477F705D397BE4D9C7BF5E4EAEDD6CBB51FC2CFD6FDC248FBDEE1A1DCA3DF1FF78D764A27DFD30FBFB483A7FB4DB43E200C08F09BC3B94B87CE3CBFB2F262ECDDF753E2AE2FFBE782B7CFBE1E58BA36133C389F4ABC59EF7C5A29B0F3F8C89EA94E697CB0BDB075B3DDBE559FDE1BDE58DD9A181B7D1D0687C68F1E03C87186E349FF2B36BBDDEE66210CC308270250AC82A8B640B4122012C320860741B05710FE00BF9D12F2');
CREATE TABLE profiles (
	window INTEGER NOT NULL, 
	profile BLOB NOT NULL, 
	PRIMARY KEY (window), 
	FOREIGN KEY(window) REFERENCES windows (id) ON DELETE CASCADE
);
INSERT INTO "profiles" VALUES(1,X'70726F66696C652030');
INSERT INTO "profiles" VALUES(2,X'70726F66696C652031');
CREATE TABLE pruned_alarms (
	model TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	opened BIGINT NOT NULL, 
	PRIMARY KEY (model, kind), 
	FOREIGN KEY(model) REFERENCES models (name)
)
 WITHOUT ROWID

;
CREATE TABLE references_ (
	id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	reference BLOB NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (model, fingerprint), 
	FOREIGN KEY(model) REFERENCES models (name)
);
INSERT INTO "references_" VALUES(1,'flights','fingerprint',X'7265666572656E6365');
CREATE TABLE schema_version (
	version INTEGER NOT NULL
);
INSERT INTO "schema_version" VALUES(3);
CREATE TABLE series (
	id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	segment TEXT NOT NULL, 
	"column" TEXT NOT NULL, 
	detector TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (model, kind, segment, "column", detector), 
	FOREIGN KEY(model) REFERENCES models (name)
);
INSERT INTO "series" VALUES(1,'flights','covariate','','dewp','ks');
INSERT INTO "series" VALUES(2,'flights','covariate','','dewp','psi');
INSERT INTO "series" VALUES(3,'flights','covariate','','temp','ks');
INSERT INTO "series" VALUES(4,'flights','covariate','','temp','psi');
INSERT INTO "series" VALUES(5,'flights','label','','y','psi');
CREATE TABLE states (
	model TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (model), 
	FOREIGN KEY(model) REFERENCES models (name)
);
INSERT INTO "states" VALUES('flights',2,'{"version": 1, "state": {"model": "flights", "reference": "fingerprint", "origin": "2024-02-10T00:00:00Z", "watermark": "2024-02-12T00:00:00Z", "tick": "2024-02-12T01:00:00Z", "alarms": {"covariate": {"since": "2024-02-10T00:00:00Z", "column_since": {"temp": "2024-02-10T00:00:00Z"}, "reason": "temp moved", "quiet_since": null, "quiet_windows": 0}}, "memories": {"covariate": "MSAKAP8B"}, "classes": ["0", "1"], "said": ["naive_timestamp"], "standing": {}, "delays": "", "estimates": {}, "accepted": 1, "pending": ["2024-02-11T00:00:00Z"]}}');
CREATE TABLE statistics (
	window INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	series INTEGER NOT NULL, 
	value DOUBLE, 
	threshold DOUBLE, 
	p_value DOUBLE, 
	drifted BOOLEAN NOT NULL, 
	reason TEXT, 
	PRIMARY KEY (window, position), 
	FOREIGN KEY(window) REFERENCES windows (id) ON DELETE CASCADE, 
	FOREIGN KEY(series) REFERENCES series (id)
)
 WITHOUT ROWID

;
INSERT INTO "statistics" VALUES(1,0,4,0.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(1,1,3,0.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(1,2,2,0.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(1,3,1,0.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(1,4,5,NULL,NULL,NULL,0,'no_labels');
INSERT INTO "statistics" VALUES(2,0,4,1.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(2,1,3,1.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(2,2,2,1.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(2,3,1,1.0,0.06,1.0e-12,1,NULL);
INSERT INTO "statistics" VALUES(2,4,5,NULL,NULL,NULL,0,'no_labels');
CREATE TABLE verdicts (
	window INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	segment TEXT NOT NULL, 
	state TEXT NOT NULL, 
	alarm BOOLEAN NOT NULL, 
	score DOUBLE, 
	severity TEXT NOT NULL, 
	material BOOLEAN NOT NULL, 
	days_by_chance DOUBLE, 
	since BIGINT, 
	columns TEXT NOT NULL, 
	column_since TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (window, position), 
	FOREIGN KEY(window) REFERENCES windows (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "verdicts" VALUES(1,0,'covariate','','alarm',1,3.1,'alarm',1,2120.0,1707523200000000,'["temp", "dewp"]','{"temp": "2024-02-10T00:00:00Z", "dewp": "2024-02-10T00:00:00Z"}','temp moved');
INSERT INTO "verdicts" VALUES(1,1,'concept','','unknown',0,NULL,'none',0,NULL,NULL,'[]','{}','no labels');
INSERT INTO "verdicts" VALUES(2,0,'covariate','','alarm',1,3.1,'alarm',1,2120.0,1707609600000000,'["temp", "dewp"]','{"temp": "2024-02-11T00:00:00Z", "dewp": "2024-02-11T00:00:00Z"}','temp moved');
INSERT INTO "verdicts" VALUES(2,1,'concept','','unknown',0,NULL,'none',0,NULL,NULL,'[]','{}','no labels');
CREATE TABLE windows (
	id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	start BIGINT, 
	"end" BIGINT, 
	file TEXT, 
	tick BIGINT NOT NULL, 
	rows BIGINT NOT NULL, 
	labelled_rows BIGINT NOT NULL, 
	final BOOLEAN NOT NULL, 
	line TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (model, "key"), 
	FOREIGN KEY(model) REFERENCES models (name)
);
INSERT INTO "windows" VALUES(1,'flights','2024-02-10T00:00:00Z',1707523200000000,1707609600000000,NULL,1707613200000000,720,700,0,'{"model": "flights", "window": {"start": "2024-02-10T00:00:00Z", "end": "2024-02-11T00:00:00Z", "file": null}, "rows": 720, "labelled_rows": 700, "restated": false, "final": false, "seconds": 0.12, "verdicts": [], "statistics": [], "performance": [{"metric": "accuracy", "source": "realised", "value": 0.79, "lower": 0.76, "upper": 0.82, "reference": 0.81, "reason": null}], "label_shift": null, "problems": [{"column": "humid", "reason": "all_missing", "message": "humid: no value in 720 rows"}], "norms": [{"kind": "covariate", "l0": 1.0, "l1": 2.5, "l2": 1.8, "linf": 1.5}], "class_shares": {"reference": {"0": 0.8, "1": 0.2}}, "stream": {"width": 1200, "error_rate": 0.21}, "promises": [{"kind": "covariate", "budget_per_30d": 0.5, "false_alarms_per_30d": 0.31, "lower": 0.12, "upper": 0.74, "effective_windows": 118.0, "provisional": false, "reason": ""}, {"kind": "concept", "budget_per_30d": 0.25, "false_alarms_per_30d": null, "lower": null, "upper": null, "effective_windows": null, "provisional": true, "reason": "too few windows"}], "versions": {"v7": 720}, "label_arrival": null, "estimates": {}, "change": null, "tick": "2024-02-11T01:00:00Z"}');
INSERT INTO "windows" VALUES(2,'flights','2024-02-11T00:00:00Z',1707609600000000,1707696000000000,NULL,1707699600000000,720,700,0,'{"model": "flights", "window": {"start": "2024-02-11T00:00:00Z", "end": "2024-02-12T00:00:00Z", "file": null}, "rows": 720, "labelled_rows": 700, "restated": false, "final": false, "seconds": 0.12, "verdicts": [], "statistics": [], "performance": [{"metric": "accuracy", "source": "realised", "value": 0.79, "lower": 0.76, "upper": 0.82, "reference": 0.81, "reason": null}], "label_shift": null, "problems": [{"column": "humid", "reason": "all_missing", "message": "humid: no value in 720 rows"}], "norms": [{"kind": "covariate", "l0": 1.0, "l1": 2.5, "l2": 1.8, "linf": 1.5}], "class_shares": {"reference": {"0": 0.8, "1": 0.2}}, "stream": {"width": 1200, "error_rate": 0.21}, "promises": [{"kind": "covariate", "budget_per_30d": 0.5, "false_alarms_per_30d": 0.31, "lower": 0.12, "upper": 0.74, "effective_windows": 118.0, "provisional": false, "reason": ""}, {"kind": "concept", "budget_per_30d": 0.25, "false_alarms_per_30d": null, "lower": null, "upper": null, "effective_windows": null, "provisional": true, "reason": "too few windows"}], "versions": {"v7": 720}, "label_arrival": null, "estimates": {}, "change": null, "tick": "2024-02-12T01:00:00Z"}');
CREATE INDEX windows_by_start ON windows (model, start);
COMMIT;
