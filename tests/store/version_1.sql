BEGIN TRANSACTION;
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
INSERT INTO "alarms" VALUES('flights','covariate','',1707523200000000,NULL,'["temp"]','temp moved',0);
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
INSERT INTO "pending" VALUES('flights','2024-02-11T00:00:00Z',X'6472696674642D70656E64696E67780163DCCFC8C050AD9496999A9352AC64A550AD549E9997925F0E66169724169500594A46064626BA0646BA8686210606566014A5A4A3A0949A9782226D842A9D9699930A94CF2BCDC9A905AA2ECA2F075961066416241617A782F41A0239C9F979693999C925204923203F253539B338333F0FE29E9CC4A4D41CA04CB55236D0654086124404A8303B2FBF3C0F285252549A0AE41627E71781EC33D43305999258591C9F54199F9C9198970C123631D033008AE72696A4166526828C84EA2B2CCD4C0579332D31A718644E727E4E692ED8F668A54AA558A048516A62713EC826A54A85DCFC32A0CB6B411ECAC804BB395AA920B5282DBF28176C512C48A63823B12015E2FE4C70B8469B82CC29C9CC058B42780545A929406F437D0A1103FB01A4311AE80723901EB06F2122706E3C9241B5B5FBEB5DFDDED66F9A25B3FFCEDB2687B0850D3F96F53F2F8CAF6467ACF68C7CA1ED73605542F7EC5D2FDF33FC9A3DCF5E66DD64737ED3457FCFC9CB3E4C723C937FF6778A963353AED26B660666062606109890CFEFB225E6F656D5936F9C1458EFA9A4579FD8FC487359955FF5FC603DDE63AF1F5EBE6D0F022BACB9CD1E26A9B1AD6BF8D7B16E5D67A1A7447DCBF37FDAAAB247EAABF5D56C6C814AEC40EAC086E2243EFCF8F1E3837D7D7D3D449D0250A1423690C89E0D2466F302095E412021C806244098810100F547D51F');
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
INSERT INTO "schema_version" VALUES(1);
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
INSERT INTO "states" VALUES('flights',2,'{"version": 1, "state": {"model": "flights", "reference": "fingerprint", "origin": "2024-02-10T00:00:00Z", "watermark": "2024-02-12T00:00:00Z", "tick": "2024-02-12T01:00:00Z", "alarms": {"covariate": {"since": "2024-02-10T00:00:00Z", "column_since": {"temp": "2024-02-10T00:00:00Z"}, "reason": "temp moved", "quiet_since": null, "quiet_windows": 0}}, "classes": ["0", "1"], "said": ["naive_timestamp"], "pending": ["2024-02-11T00:00:00Z"]}}');
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
INSERT INTO "windows" VALUES(1,'flights','2024-02-10T00:00:00Z',1707523200000000,1707609600000000,NULL,1707613200000000,720,700,0,'{"model": "flights", "window": {"start": "2024-02-10T00:00:00Z", "end": "2024-02-11T00:00:00Z", "file": null}, "rows": 720, "labelled_rows": 700, "restated": false, "final": false, "seconds": 0.12, "verdicts": [], "statistics": [], "performance": [{"metric": "accuracy", "source": "realised", "value": 0.79, "lower": 0.76, "upper": 0.82, "reference": 0.81, "reason": null}], "label_shift": null, "problems": [{"column": "humid", "reason": "all_missing", "message": "humid: no value in 720 rows"}], "norms": [{"kind": "covariate", "l0": 1.0, "l1": 2.5, "l2": 1.8, "linf": 1.5}], "class_shares": {"reference": {"0": 0.8, "1": 0.2}}, "stream": {"width": 1200, "error_rate": 0.21}, "versions": {"v7": 720}, "tick": "2024-02-11T01:00:00Z"}');
INSERT INTO "windows" VALUES(2,'flights','2024-02-11T00:00:00Z',1707609600000000,1707696000000000,NULL,1707699600000000,720,700,0,'{"model": "flights", "window": {"start": "2024-02-11T00:00:00Z", "end": "2024-02-12T00:00:00Z", "file": null}, "rows": 720, "labelled_rows": 700, "restated": false, "final": false, "seconds": 0.12, "verdicts": [], "statistics": [], "performance": [{"metric": "accuracy", "source": "realised", "value": 0.79, "lower": 0.76, "upper": 0.82, "reference": 0.81, "reason": null}], "label_shift": null, "problems": [{"column": "humid", "reason": "all_missing", "message": "humid: no value in 720 rows"}], "norms": [{"kind": "covariate", "l0": 1.0, "l1": 2.5, "l2": 1.8, "linf": 1.5}], "class_shares": {"reference": {"0": 0.8, "1": 0.2}}, "stream": {"width": 1200, "error_rate": 0.21}, "versions": {"v7": 720}, "tick": "2024-02-12T01:00:00Z"}');
CREATE INDEX windows_by_start ON windows (model, start);
COMMIT;
