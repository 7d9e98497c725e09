import { testRule } from '../../../test/support/rule-tester.ts';
import { servicePortsAgree } from './rule.ts';

testRule(servicePortsAgree, import.meta.dirname);
