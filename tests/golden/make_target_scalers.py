"""Writes data/target_scalers.json: what scikit-learn's scalers make of some values, for
tests/unit/model/target_scaler_test.cpp. Run by hand (Debian: python3-sklearn)."""
import json
from pathlib import Path

import numpy as np
from sklearn.preprocessing import (MaxAbsScaler, MinMaxScaler, PowerTransformer, QuantileTransformer,
                                   RobustScaler, StandardScaler)

rng=np.random.RandomState(3)
y=np.concatenate([rng.randn(40)*2+1, [-3.5,0.,7.25]]).reshape(-1, 1)
pos=np.exp(rng.randn(40)).reshape(-1, 1)
out=[]
def add(kind,s,vals,scaled,**f):
    v=np.array(vals).reshape(-1, 1); z=np.array(scaled).reshape(-1, 1)
    out.append(dict(kind=kind,fields=f,value=vals,scaled=[float(x) for x in s.transform(v)],z=scaled,inverse=[float(x) for x in s.inverse_transform(z)]))
V=[-4.,-1.5,0.,0.3,2.,9.]; Z=[-2.,-.5,0.,.25,1.,1.5]
s=StandardScaler().fit(y); add('standard',s,V,Z,mean=s.mean_[0],scale=s.scale_[0])
s=MinMaxScaler().fit(y); add('minmax',s,V,Z,min=s.min_[0],scale=s.scale_[0])
s=RobustScaler().fit(y); add('robust',s,V,Z,center=s.center_[0],scale=s.scale_[0])
s=MaxAbsScaler().fit(y); add('maxabs',s,V,Z,scale=s.scale_[0])
s=PowerTransformer('yeo-johnson').fit(y); add('yj',s,V,Z,lam=s.lambdas_[0],mean=s._scaler.mean_[0],scale=s._scaler.scale_[0])
for lam in (0.,2.,-.7,2.6):
    s=PowerTransformer('yeo-johnson',standardize=False).fit(y); s.lambdas_=np.array([lam]); add('yj',s,V,[-.9,-.5,0,.25,.4,.9],lam=lam,mean=0.,scale=1.)
s=PowerTransformer('box-cox').fit(pos); add('bc',s,[.01,.3,1.,2.,9.],[-1.,-.5,0.,.25,1.],lam=s.lambdas_[0],mean=s._scaler.mean_[0],scale=s._scaler.scale_[0])
s.lambdas_=np.array([0.]); add('bc',s,[.01,.3,1.,2.,9.],[-1.,-.5,0.,.25,1.],lam=0.,mean=s._scaler.mean_[0],scale=s._scaler.scale_[0])
for d in ('uniform','normal'):
    yy=np.round(y[:12],1); yy[3]=yy[4]  # ties
    s=QuantileTransformer(n_quantiles=7,output_distribution=d).fit(yy)
    add('quantile_'+d,s,[-100.,-1.5,float(s.quantiles_[0,0]),0.,.3,2.,float(s.quantiles_[-1,0]),100.],[-9.,-.5,0.,1e-9,.1,.25,.5,.77,.999,1.,5.2,9.],q=s.quantiles_[:,0].tolist(),r=s.references_.tolist())
s=QuantileTransformer(n_quantiles=5).fit(np.array([1.,1,1,2,2,3,3,3]).reshape(-1, 1))
add('quantile_uniform',s,[.5,1.,1.5,2.,2.5,3.,4.],[0.,.1,.3,.5,.8,1.],q=s.quantiles_[:,0].tolist(),r=s.references_.tolist())
path = Path(__file__).parent / 'data' / 'target_scalers.json'
path.write_text('[' + ',\n '.join(json.dumps(o) for o in out) + ']\n')
